// The flags that choose what computes, the same in all programs.

import type { BackendOptions } from '@bn/core';
import { type Flag, flag } from './flag.js';
import { oneOf, text, toggle, wholeNumber } from './kinds.js';
import { UsageError } from './usage-error.js';

export const backendFlags = {
  backend: flag(
    text('<name>'),
    'auto',
    'what computes: auto, a package @bn/<name>, another package, or a path; also by BN_BACKEND',
    'onnxruntime-cuda or tfjs-cuda where one computes on CUDA, else wasm',
  ),
  device: flag(
    oneOf('auto', 'cuda', 'webgpu', 'cpu'),
    'auto',
    'where it computes',
    'CUDA if it computes, else the CPU',
  ),
  engine: flag(
    text('<name>'),
    null,
    'which of several engines of the backend, e.g. native, wasm or js of tfjs-cuda',
    'the fastest that computes',
  ),
  threads: flag(wholeNumber(1, 1024), null, 'threads on the CPU', "the backend's choice"),
  exact: flag(
    toggle,
    false,
    'with wasm: round every product before it is added, so that all machines give the same bits',
    'multiply-adds in one instruction are faster',
  ),
} as const satisfies Record<string, Flag<unknown>>;

/** A value of each flag. */
export type BackendValues = { readonly [F in keyof typeof backendFlags]: (typeof backendFlags)[F]['preset'] };

/** What programs ask of a backend. */
export interface ComputeOptions extends BackendOptions {
  /** Rounding as on every machine; of backends that have such a mode, and of `auto`, which then takes one of them. */
  readonly exact?: boolean | undefined;
}

/** The flags' values for `openBackend`; what was not given is left to the backend. */
export function computeOptions({ device, engine, threads, exact }: Partial<BackendValues>): ComputeOptions {
  const flags = Object.entries({ device, engine, threads, exact });
  return Object.fromEntries(flags.filter(([, value]) => value !== undefined && value !== null && value !== false));
}

/** Whether the backend of that name, or one that `auto` can take, has a mode in which all machines give the same bits. */
export function hasExactMode(backend: string): boolean {
  return ['auto', 'wasm', '@bn/wasm'].includes(backend);
}

/** @throws UsageError for a backend without a mode in which all machines give the same bits */
export function requireExactMode(backend: string): void {
  if (hasExactMode(backend)) return;
  throw new UsageError(`--exact: ${backend} has no such mode, only wasm has; leave it out, or give --backend wasm`);
}
