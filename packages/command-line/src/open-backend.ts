// The backend that a program computes with: the one that was named, or the fastest that computes on this machine.

import { type Backend, BnError } from '@bn/core';
import type { ComputeOptions } from './backend-flags.js';
import { loadBackend } from './load-backend.js';
import { UsageError } from './usage-error.js';

/** What `--backend auto` takes: the first of these that computes on CUDA, else the one for the CPU. */
export const automatic = { cuda: ['onnxruntime-cuda', 'tfjs-cuda'], webgpu: 'onnxruntime-cuda', cpu: 'wasm' } as const;

export interface OpenedBackend {
  readonly backend: Backend;
  /** By which the same backend is had again; never `auto`. */
  readonly name: string;
  /** Why not a better device or backend, where the choice was not the user's. */
  readonly reason?: string;
}

/**
 * Creates the backend `name`, as `loadBackend` finds it; `auto` chooses.
 *
 * @throws UsageError for an engine without a named backend; BnError `backend`, with causes and cures, where nothing
 *   computes on the device that was asked for
 */
export async function openBackend(
  name: string,
  workingFolder: string,
  options: ComputeOptions,
): Promise<OpenedBackend> {
  if (name !== 'auto') return opened(name, await loadBackend(name, workingFolder, options));
  const { device = 'auto', engine, exact = false } = options;
  if (engine !== undefined) {
    throw new UsageError(`--engine ${engine}: engines are a backend's own; name it too, e.g. --backend tfjs-cuda`);
  }
  const take = async (name: string, on: ComputeOptions) => opened(name, await loadBackend(name, workingFolder, on));
  if (device === 'cpu' || exact) return take(automatic.cpu, options);
  if (device === 'webgpu') return take(automatic.webgpu, options);
  const failures: Error[] = [];
  for (const candidate of automatic.cuda) {
    try {
      return await take(candidate, { ...options, device: 'cuda' });
    } catch (error) {
      if (!isAbsence(error)) throw error;
      failures.push(error);
    }
  }
  if (device === 'cuda') throw new BnError('backend', failures.map(({ message }) => message).join('\n'));
  const cpu = await take(automatic.cpu, { ...options, device: 'cpu' });
  return { ...cpu, reason: `no CUDA: ${failures.map(causeOf).join('; ')}` };
}

function opened(name: string, backend: Backend): OpenedBackend {
  const { reason } = backend.device;
  return { backend, name, ...(reason !== undefined && { reason }) };
}

/** A backend that is not available here, or not installed. By the code: it may have a copy of @bn/core of its own. */
function isAbsence(error: unknown): error is Error {
  return error instanceof UsageError || (error instanceof Error && 'code' in error && error.code === 'backend');
}

/** Messages of backends say `what is not available: cause (details); cure`. */
function causeOf({ message }: Error): string {
  return message.replace(/^[^:;]*: /, '').split(/;| \(/)[0]!;
}
