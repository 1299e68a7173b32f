// Several backends in one process, and TensorFlow.js used beside them.

import { type Backend, createGraph, input, ops, type TypedArray } from '@bn/core';
import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { createBackend } from '../src/index.js';

const x = input('x', [2, 2]);
// The second factor in two shapes: the WebAssembly engine finds packed factors by the identity of their data.
const graph = createGraph({
  y: ops.add(ops.matmul(x, x), ops.softmax(x)),
  column: ops.matmul(ops.reshape(x, [1, 4]), ops.reshape(x, [4, 1])),
});

async function compute(backend: Backend, data: Float32Array): Promise<TypedArray[]> {
  const executable = await backend.compile(graph);
  const value = backend.upload(data, { shape: [2, 2], dtype: 'float32' });
  const outputs = await executable.run(new Map([['x', value]]));
  const results = await Promise.all([...outputs.values()].map((output) => backend.download(output)));
  for (const held of [value, ...outputs.values()]) backend.release(held);
  await executable.dispose();
  return results;
}

test('backends do not disturb each other, however their calls mix', async () => {
  const backends = await Promise.all(
    (['wasm', 'js', 'wasm', 'js'] as const).map((engine) => createBackend({ engine })),
  );
  const expected = [
    7 + 1 / (1 + Math.E),
    10 + Math.E / (1 + Math.E),
    15 + 1 / (1 + Math.E),
    22 + Math.E / (1 + Math.E),
  ];
  for (let round = 0; round < 3; round++) {
    for (const [y, column] of await Promise.all(backends.map((b) => compute(b, Float32Array.of(1, 2, 3, 4))))) {
      y.forEach((v, i) => {
        expect(v).toBeCloseTo(expected[i], 4);
      });
      expect([...column]).toEqual([30]);
    }
  }
  await backends[0].dispose();
  expect((await compute(backends[2], Float32Array.of(0, 0, 0, 0)))[0][0]).toBeCloseTo(0.5, 6);
  for (const backend of backends) await backend.dispose();
});

test("a program's own TensorFlow.js on WebAssembly goes on beside it", async () => {
  const before = await createBackend({ engine: 'wasm' });
  await tf.setBackend('wasm');
  const own = tf.tensor2d([1, 2, 3, 4], [2, 2]);
  const tensors = tf.memory().numTensors;
  const after = await createBackend({ engine: 'wasm' });
  const squares = () => Array.from(tf.tidy(() => tf.matMul(own, own)).dataSync());
  for (const backend of [before, after]) {
    expect((await compute(backend, Float32Array.of(1, 2, 3, 4)))[1][0]).toBe(30);
    expect(squares()).toEqual([7, 10, 15, 22]);
  }
  await before.dispose();
  expect(squares()).toEqual([7, 10, 15, 22]);
  expect((await compute(after, Float32Array.of(1, 2, 3, 4)))[1][0]).toBe(30);
  await after.dispose();
  // Nothing of ours is in TensorFlow.js's books: the results of `squares` are all there is more.
  expect(tf.memory().numTensors).toBe(tensors + 3);
  expect(tf.getBackend()).toBe('wasm');
});
