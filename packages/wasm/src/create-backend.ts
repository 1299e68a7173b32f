// Makes a backend: finds out what the engine can do, reserves memory, starts threads.

import { type Backend, type BackendOptions, BnError, type Diagnosis } from '@bn/core';
import { allPasses, type Passes } from './passes.js';
import { enableRelaxedSimd, hasSharedMemory, processors } from './run/engine.js';
import { Heap } from './run/heap.js';
import { Team } from './run/team.js';
import { WasmBackend } from './run/wasm-backend.js';

export interface WasmBackendOptions extends BackendOptions {
  /** Multiplications and additions are rounded one by one, as on every machine (default false). Slower. */
  readonly exact?: boolean;
  /** Passes of the compiler to leave out, for tests. */
  readonly passes?: Partial<Passes>;
}

/**
 * A backend that compiles graphs to WebAssembly.
 *
 * @throws `backend` for a device other than the CPU; `argument` for a number of threads that is none.
 */
export async function createBackend({
  device = 'auto',
  threads,
  exact = false,
  passes = {},
}: WasmBackendOptions = {}): Promise<Backend> {
  if (device !== 'auto' && device !== 'cpu') {
    throw new BnError('backend', `wasm computes on the CPU only, not on ${device}; leave out the device`);
  }
  if (threads !== undefined && !(Number.isInteger(threads) && threads > 0)) {
    throw new BnError('argument', `threads must be a positive integer, got ${threads}`);
  }
  const relaxed = !exact && (await enableRelaxedSimd());
  const wanted = hasSharedMemory() ? (threads ?? (await processors())) : 1;
  const heap = new Heap(wanted > 1);
  const team = await Team.start(heap.memory, wanted);
  const description = `cpu (WebAssembly, ${relaxed ? 'relaxed SIMD' : 'SIMD'}, ${team.threads} thread${team.threads === 1 ? '' : 's'})`;
  return new WasmBackend({ kind: 'cpu', description }, heap, team, { relaxed, passes: { ...allPasses, ...passes } });
}

/** What the engine has. */
export async function diagnose(): Promise<Diagnosis[]> {
  const relaxed = await enableRelaxedSimd();
  const threads = hasSharedMemory()
    ? `up to ${await processors()} threads`
    : 'one thread: memory cannot be shared here';
  return [{ device: 'cpu', available: true, detail: `WebAssembly, ${relaxed ? 'relaxed SIMD' : 'SIMD'}, ${threads}` }];
}
