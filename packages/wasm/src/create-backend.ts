// Makes a backend: finds out what the engine can do, reserves memory, starts threads.

import { type Backend, type BackendOptions, BnError, type Device, type Diagnosis } from '@bn/core';
import { allPasses, type Passes } from './pipeline.js';
import { enableRelaxedSimd, isPage, node, processors, whyOneThread } from './run/engine.js';
import { Heap } from './run/heap.js';
import { printPlans } from './run/print-plans.js';
import { requireWebAssembly } from './run/require-webassembly.js';
import { Team } from './run/team.js';
import { WasmBackend } from './run/wasm-backend.js';
import type { WebWorker } from './run/web-worker.js';
import { warmUp } from './warm-up.js';

export interface WasmBackendOptions extends BackendOptions {
  /** Multiplications and additions are rounded one by one, as on every machine (default false). Slower. */
  readonly exact?: boolean | undefined;
  /**
   * Makes a Web Worker that runs the module `@bn/wasm/worker`: needed in pages whose policy forbids `blob:` workers, which
   * is how workers are made by default.
   */
  readonly createWorker?: (() => WebWorker) | undefined;
  /** Passes of the compiler to leave out, for tests. */
  readonly passes?: Partial<Passes> | undefined;
}

/**
 * A backend that compiles graphs to WebAssembly. It computes on as many threads as there are processors, or on one and
 * says why in `device.reason`: in a page that is not cross-origin isolated, or where workers cannot be started.
 *
 * @throws `backend` for a device other than the CPU, and where WebAssembly may not be compiled or memory not be reserved; `argument` for a number of threads that is none.
 */
export async function createBackend({
  device = 'auto',
  threads,
  exact = false,
  createWorker,
  passes = {},
  profile,
}: WasmBackendOptions = {}): Promise<Backend> {
  if (device !== 'auto' && device !== 'cpu') {
    throw new BnError(
      'backend',
      `wasm computes on the CPU only, not on ${device}; leave out the device or use another backend`,
    );
  }
  if (threads !== undefined && !(Number.isInteger(threads) && threads > 0)) {
    throw new BnError('argument', `threads must be a positive integer, got ${threads}`);
  }
  requireWebAssembly();
  const look = printPlans(node?.env.BN_PRINT);
  const relaxed = !exact && enableRelaxedSimd();
  const { heap, team, reason } = await gather(threads ?? processors(), createWorker);
  const description = `cpu (WebAssembly, ${relaxed ? 'relaxed SIMD' : 'SIMD'}, ${team.threads} thread${team.threads === 1 ? '' : 's'})`;
  const found: Device = { kind: 'cpu', description, ...(reason !== undefined && { reason: `one thread: ${reason}` }) };
  return new WasmBackend(found, heap, team, {
    relaxed,
    passes: { ...allPasses, ...passes },
    profile,
    look,
  });
}

/** Memory and the team of threads. If only one thread is possible, says why. */
async function gather(
  threads: number,
  createWorker: WasmBackendOptions['createWorker'],
): Promise<{ heap: Heap; team: Team; reason?: string }> {
  const alone = (heap: Heap, reason?: string) => ({ heap, team: Team.alone(heap.memory), reason });
  const why = whyOneThread();
  if (why !== undefined) return alone(new Heap(false), threads > 1 ? why : undefined);
  if (threads === 1 && !isPage()) return alone(new Heap(false));
  const heap = new Heap(true);
  try {
    const starting = Team.start(heap.memory, threads, { createWorker });
    warmUp();
    return { heap, team: await starting };
  } catch (error) {
    return alone(heap, (error as Error).message);
  }
}

/** What the engine has. */
export async function diagnose(): Promise<Diagnosis[]> {
  try {
    requireWebAssembly();
    new Heap(false);
  } catch (error) {
    return [{ device: 'cpu', available: false, detail: (error as Error).message }];
  }
  const relaxed = enableRelaxedSimd();
  const why = whyOneThread();
  const threads = why === undefined ? `up to ${processors()} threads` : `one thread: ${why}`;
  return [{ device: 'cpu', available: true, detail: `WebAssembly, ${relaxed ? 'relaxed SIMD' : 'SIMD'}, ${threads}` }];
}
