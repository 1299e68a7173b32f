// Memory comes back: of blocks of other sizes, and of executables that are no more.

import { constant, createGraph, input, ops } from '@bn/core';
import { expect, test } from 'vitest';
import { allPasses } from '../src/pipeline.js';
import { Heap } from '../src/run/heap.js';
import { Team } from '../src/run/team.js';
import { WasmBackend } from '../src/run/wasm-backend.js';

const bytesOf = (heap: Heap) => heap.memory.buffer.byteLength;

test('freed blocks make room for others of any size', () => {
  const heap = new Heap(false);
  const blocks = Array.from({ length: 64 }, () => heap.allocate(2 ** 20));
  const last = heap.allocate(64); // what follows stays taken
  const before = bytesOf(heap);
  for (const address of blocks) heap.free(address, 2 ** 20);
  for (const count of [3, 5, 7, 11]) {
    const large = Array.from({ length: Math.floor(60 / count) }, () => heap.allocate(count * 2 ** 20));
    for (const address of large) heap.free(address, count * 2 ** 20);
  }
  expect(heap.allocate(60 * 2 ** 20)).toBeLessThan(last);
  expect(bytesOf(heap)).toBeLessThan(before + 12 * 2 ** 20); // what is at the end may be used first
});

test('blocks never overlap, whatever is allocated and freed', () => {
  const heap = new Heap(false);
  const held: { address: number; bytes: number }[] = [];
  let seed = 1;
  const random = () => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed / 2_147_483_647;
  };
  for (let i = 0; i < 3000; i++) {
    if (held.length > 40 || (held.length > 0 && random() < 0.45)) {
      const [{ address, bytes }] = held.splice(Math.floor(random() * held.length), 1);
      heap.free(address, bytes);
    } else {
      const bytes = Math.ceil(2 ** (random() * 20));
      const address = heap.allocate(bytes);
      expect(address % 64).toBe(0);
      expect(address + bytes).toBeLessThanOrEqual(bytesOf(heap));
      for (const one of held) {
        if (one.address < address + bytes && address < one.address + one.bytes) {
          throw new Error(`${address} + ${bytes} overlaps ${one.address} + ${one.bytes}`);
        }
      }
      held.push({ address, bytes });
    }
  }
  expect(bytesOf(heap)).toBeLessThan(2 ** 26); // 41 blocks of 2^20 are the most
});

test('disposed executables give back constants and scratch memory, also where the next needs more', async () => {
  const heap = new Heap(false);
  const options = { relaxed: false, passes: allPasses, profile: undefined };
  const backend = new WasmBackend({ kind: 'cpu', description: 'cpu' }, heap, Team.alone(heap.memory), options);
  for (let n = 300; n < 700; n += 20) {
    const weight = () =>
      constant(
        Float32Array.from({ length: n * n }, (_, i) => (i % 7) - 3),
        [n, n],
        'float32',
      );
    const hidden = ops.matmul(input('x', [n, n]), weight());
    const graph = createGraph({ y: ops.sum(ops.matmul(ops.relu(hidden), weight())) });
    await (await backend.compile(graph)).dispose();
  }
  // The last alone has two constants and two results of 1.8 MB.
  expect(bytesOf(heap)).toBeLessThan(20e6);
  await backend.dispose();
});
