// Chooses the device, and makes a backend that computes on it.

import { availableParallelism } from 'node:os';
import { type Backend, type BackendOptions, BnError, type Device } from '@bn/core';
import { preload } from '@bn/native';
import type { InferenceSession } from 'onnxruntime-node';
import { findCudaProvider } from './cuda-provider.js';
import { loadRuntime } from './load-runtime.js';
import { OnnxRuntimeBackend } from './onnx-runtime-backend.js';
import { probeDevice } from './probe-device.js';

export interface OnnxRuntimeOptions extends BackendOptions {
  /**
   * On cuda and webgpu: nodes without a kernel for the device are an error instead of being computed on the CPU
   * (default false).
   */
  readonly disableCpuFallback?: boolean | undefined;
}

/**
 * A backend on ONNX Runtime. `device: 'auto'` is CUDA if it computes, else the CPU, with the `device.reason` why. `threads` counts the CPU's, by default one per core that this process may use.
 *
 * @throws `backend`, with cause and cure, for a device that was asked for by name and is not available.
 */
export async function createBackend({
  device = 'auto',
  threads = availableParallelism(),
  disableCpuFallback = false,
  profile,
}: OnnxRuntimeOptions = {}): Promise<Backend> {
  if (!Number.isInteger(threads) || threads < 1) {
    throw new BnError('argument', `threads must be a positive integer, got ${threads}`);
  }
  const chosen = await chooseDevice(device, threads);
  const runtime = await loadRuntime();
  if (chosen.kind === 'cuda') preload(findCudaProvider()?.libraries ?? []);
  return new OnnxRuntimeBackend(runtime, chosen, sessionOptions(chosen, threads, disableCpuFallback), profile);
}

async function chooseDevice(device: NonNullable<BackendOptions['device']>, threads: number): Promise<Device> {
  const cpu: Device = { kind: 'cpu', description: `cpu (${threads} ${threads === 1 ? 'thread' : 'threads'})` };
  if (device === 'cpu') return cpu;
  const kind = device === 'auto' ? 'cuda' : device;
  const obstacle = await probeDevice(kind);
  if (!obstacle) return { kind, description: kind };
  if (device === 'auto') return { ...cpu, reason: `no CUDA: ${obstacle.cause}` };
  throw new BnError('backend', `onnxruntime-cuda cannot compute on ${kind}: ${obstacle.cause}; ${obstacle.cure}`);
}

function sessionOptions(device: Device, threads: number, disableCpuFallback: boolean): InferenceSession.SessionOptions {
  return {
    executionProviders: [device.kind],
    graphOptimizationLevel: 'all',
    executionMode: 'sequential',
    intraOpNumThreads: threads,
    // What goes wrong is thrown; nothing is printed.
    logSeverityLevel: 4,
    extra: {
      session: {
        // Threads that wait for work sleep instead of spinning. Spinning gains some 10 % while one session has the machine to
        // itself, and halves the speed when several sessions of a process, or other processes, share the cores.
        intra_op: { allow_spinning: '0' },
        ...(disableCpuFallback && device.kind !== 'cpu' ? { disable_cpu_ep_fallback: '1' } : {}),
      },
    },
  };
}
