// The pool of workers, with workers that the test makes.

import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createLog } from '../src/serve/log.js';
import { WorkerPool } from '../src/serve/workers/worker-pool.js';
import type { WorkerThread } from '../src/serve/workers/worker-thread.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** @param load how each worker loads a model */
async function setUp(load: (worker: number) => Promise<unknown>) {
  const failed: unknown[] = [];
  let count = 0;
  const spawn = () => {
    const worker = count++;
    const thread = {
      ask: () => load(worker),
      dueAt: Number.POSITIVE_INFINITY,
      fail: (error: Error) => failed.push([worker, error.message]),
      // As one that computes in native code: it does not end when it is told to.
      ...{ end: () => new Promise(() => {}), ended: new Promise(() => {}) },
    };
    return thread as unknown as WorkerThread;
  };
  const log = createLog('error', { write: () => true });
  const pool = new WorkerPool({ count: 1, spawn, log, onIdle: () => {} });
  await pool.load(0, { source: { path: 'a.onnx', bytes: new Uint8Array() }, sizes: [1] });
  return { pool, failed };
}

it('a worker that is discarded gives its tasks back and its place to another, though it does not end', async () => {
  const { pool, failed } = await setUp(async () => {});
  const stuck = pool.acquire()!;
  pool.discard(stuck, 'does not answer');
  expect([pool.size, pool.isLive, failed]).toEqual([0, true, [[0, 'the worker does not answer']]]);
  await vi.advanceTimersByTimeAsync(0);
  expect([pool.size, pool.acquire() === stuck]).toEqual([1, false]);
  pool.discard(stuck, 'does not answer');
  expect(pool.size).toBe(1);
});

it('a worker that is overdue does not count until it is done', async () => {
  const { pool } = await setUp(async () => {});
  const slow = pool.acquire()!;
  slow.dueAt = performance.now() + 1000;
  expect(pool.size).toBe(1);
  await vi.advanceTimersByTimeAsync(1001);
  expect([pool.size, pool.isLive]).toEqual([0, true]);
  slow.dueAt = Number.POSITIVE_INFINITY;
  expect(pool.size).toBe(1);
});

it('without a worker for half a minute it does not live', async () => {
  const { pool } = await setUp((worker) => (worker === 0 ? Promise.resolve() : new Promise(() => {})));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(pool.isLive).toBe(true);
  pool.discard(pool.acquire()!, 'does not answer');
  await vi.advanceTimersByTimeAsync(29_000);
  expect(pool.isLive).toBe(true);
  await vi.advanceTimersByTimeAsync(2000);
  expect(pool.isLive).toBe(false);
});
