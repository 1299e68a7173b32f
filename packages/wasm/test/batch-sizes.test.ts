// A symbolic batch: programs that do for several sizes, and a bound on how many are kept.

import { type Backend, constant, createGraph, type Graph, input, ops, type TypedArray } from '@bn/core';
import { createBackend as createReference } from '@bn/reference';
import { createBackend } from '@bn/wasm';
import { expect, test } from 'vitest';
import { hasIndependentRows } from '../src/analysis/independent-rows.js';
import { allPasses, planGraph } from '../src/pipeline.js';
import { capacityFor, Programs } from '../src/run/programs.js';

const pixels = input('pixels', [null, 2, 6, 6], 'uint8');
const values = ops.mul(ops.cast(pixels, 'float32'), 1 / 255);
/** Something different at every place. */
const weight = (shape: readonly number[]) => {
  const size = shape.reduce((product, n) => product * n, 1);
  const data = Float32Array.from({ length: size }, (_, i) => Math.sin(i) / 3);
  return ops.reshape(constant(data, [size]), shape);
};

const geometry = { stride: [1, 1], dilation: [1, 1] } as const;
const pooling = { kernelSize: [2, 2], stride: [2, 2], padding: [0, 0, 0, 0], dilation: [1, 1] } as const;
const features = ops.relu(ops.conv2d(values, weight([5, 2, 3, 3]), { ...geometry, groups: 1, padding: [1, 1, 1, 1] }));
const logits = ops.matmul(ops.reshape(ops.maxPool2d(features, pooling), [-1, 45]), weight([45, 4]));
const network = createGraph({ shares: ops.softmax(logits), best: ops.argmax(logits, 1), features });

/** Runs a graph on a batch of every size, and gives all outputs. */
async function outputs(backend: Backend, graph: Graph, sizes: readonly number[]): Promise<TypedArray[]> {
  const executable = await backend.compile(graph);
  const results: TypedArray[] = [];
  for (const size of sizes) {
    const data = Uint8Array.from({ length: size * 72 }, (_, i) => (i * i * 31 + size) % 251);
    const x = backend.upload(data, { shape: [size, 2, 6, 6], dtype: 'uint8' });
    const made = await executable.run(new Map([['pixels', x]]));
    for (const value of made.values()) results.push(await backend.download(value));
    for (const value of [x, ...made.values()]) backend.release(value);
  }
  expect(backend.liveValues).toBe(0);
  await backend.dispose();
  return results;
}

async function expectEqual(graph: Graph, sizes: readonly number[]): Promise<void> {
  const expected = await outputs(await createReference(), graph, sizes);
  const actual = await outputs(await createBackend({ threads: 2 }), graph, sizes);
  expected.forEach((wanted, i) => {
    expect(actual[i].length).toBe(wanted.length);
    wanted.forEach((value, at) => {
      expect(actual[i][at], `output ${i}[${at}]`).toBeCloseTo(value, 4);
    });
  });
}

test('rows that do not depend on each other: one program does for many sizes, whatever ran before', async () => {
  expect(hasIndependentRows(network)).toBe(true);
  expect([1, 2, 3, 4, 16, 17, 64, 300].map(capacityFor)).toEqual([1, 2, 3, 16, 16, 64, 64, 1024]);
  await expectEqual(network, [33, 1, 3, 4, 5, 16, 17, 64, 6]);
});

test('products with large matrices, of which threads share the results, stop at the last row; filters are transformed beforehand', async () => {
  const filter = constant(
    Float32Array.from({ length: 24 * 24 * 9 }, (_, i) => Math.cos(i) / 9),
    [24, 24, 3, 3],
  );
  const wider = ops.conv2d(values, weight([24, 2, 1, 1]), { ...geometry, groups: 1, padding: [0, 0, 0, 0] });
  const again = ops.conv2d(wider, filter, { ...geometry, groups: 1, padding: [1, 1, 1, 1] });
  const large = ops.matmul(ops.reshape(again, [-1, 24 * 36]), weight([24 * 36, 40]));
  const graph = createGraph({ again, large });
  const { steps } = planGraph(graph, 64, allPasses, true);
  const shared = steps.flatMap(({ domain, nests }) => (domain === 'groups' ? [] : nests.map(({ name }) => name)));
  // Nothing is computed for all rows: the points of the filter are a constant, and matrices are read where they are.
  expect(shared).toEqual(['matmul']);
  await expectEqual(graph, [33, 5, 16, 64, 6]);
});

test.each(
  Object.entries({
    'the largest of the batch': ops.sub(values, ops.max(values, [0], { keepDims: true })),
    'a sum over the batch': ops.sum(values, [0, 2, 3]),
    'rows after the first': ops.transpose(values, [1, 0, 2, 3]),
  }),
)('rows that depend on each other, or do not come first: %s', async (_, output) => {
  const graph = createGraph({ output });
  expect(hasIndependentRows(graph)).toBe(false);
  await expectEqual(graph, [5, 2]);
});

test('inputs may be released as soon as a run is asked for, also where a program is compiled first', async () => {
  const graph = createGraph({ y: ops.add(input('x', [null, 3]), 1) });
  const backend = await createBackend({ threads: 1 });
  const executable = await backend.compile(graph);
  const ask = async (size: number) => {
    const x = backend.upload(new Float32Array(3 * size).fill(size), { shape: [size, 3], dtype: 'float32' });
    const running = executable.run(new Map([['x', x]]));
    backend.release(x);
    backend.release(backend.upload(new Float32Array(3 * size), { shape: [size, 3], dtype: 'float32' }));
    return backend.download((await running).get('y')!);
  };
  const sizes = [2, 3, 20, 2, 70];
  const results = await Promise.all(sizes.map(ask));
  expect(results).toEqual(sizes.map((size) => new Float32Array(3 * size).fill(size + 1)));
  await backend.dispose();
});

test('the program that was used longest ago is given up when there are more than sixteen', async () => {
  const freed: number[] = [];
  const programs = new Programs(async (batch) => ({ free: async () => void freed.push(batch) }));
  for (let batch = 1; batch <= 16; batch++) await programs.get(batch);
  await Promise.all([programs.get(1), programs.get(17), programs.get(17)]);
  expect(freed).toEqual([2]);
  await programs.free();
  expect(freed.length).toBe(17);
});
