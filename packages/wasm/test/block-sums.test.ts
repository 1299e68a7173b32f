// Filter gradients of wide layers, which are summed in blocks of groups, and products down the columns of large matrices, in
// blocks of rows.

import { createGenerator, createGraph, input, ops, sizeOf, type Tensor, type TypedArray } from '@bn/core';
import { createBackend } from '@bn/wasm';
import { expect, test } from 'vitest';
import { allPasses, planGraph } from '../src/pipeline.js';

/** A convolution with 136 × 128 weights, their gradient, and the weights after a step along another. */
function wide(batch: number) {
  const [x, dy, w] = [input('x', [batch, 128, 6, 6]), input('dy', [batch, 136, 6, 6]), input('w', [136, 128, 1, 1])];
  const geometry = { stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1], groups: 1 } as const;
  const gradient = (image: Tensor) => ops.conv2dFilterGradient(image, dy, { ...geometry, kernelSize: [1, 1] });
  return createGraph({
    y: ops.conv2d(x, w, geometry),
    dw: gradient(x),
    next: ops.sub(w, ops.mul(gradient(ops.neg(x)), 0.1)),
  });
}

/** The gradient of a dense layer's operand, and of the activation before it. */
function dense(batch: number) {
  const dy = ops.exp(input('dy', [batch, 680]));
  const dx = ops.matmul(dy, input('w', [680, 1600]));
  return createGraph({ dx, before: ops.mul(ops.neg(dx), ops.tanh(input('x', [batch, 1600]))) });
}

test.each([
  ['whole blocks', wide(32), 'blocks,blocks'],
  ['a rest, of which the last group has one image', wide(37), 'blocks,rest,blocks,rest'],
  ['rows of a matrix, and the last group has two rows of the batch', dense(18), 'blocks,rest'],
])('%s: equal to sums in one go, and to the last bit for every number of threads', async (_, graph, expectedNests) => {
  const names = planGraph(graph, 1, allPasses).steps.flatMap(({ nests }) => nests.map(({ name }) => name));
  expect(
    names
      .flatMap((name) => /blocks|rest/.exec(name) ?? [])
      .sort()
      .join(),
  ).toBe(expectedNests.split(',').sort().join());

  const random = createGenerator(32);
  const data = [...graph.inputs].map(([name, { shape }]) => {
    return [name, shape, Float32Array.from({ length: sizeOf(shape) }, () => random.normal())] as const;
  });
  const backends = [
    createBackend({ threads: 1, passes: { blocks: false } }),
    ...[1, 2, 3].map((threads) => createBackend({ threads })),
  ];
  const [whole, first, ...others] = await Promise.all(
    backends.map(async (made): Promise<Map<string, TypedArray>> => {
      const backend = await made;
      const executable = await backend.compile(graph);
      const values = data.map(([name, shape, array]) => {
        return [name, backend.upload(array, { shape, dtype: 'float32' })] as const;
      });
      const results = new Map<string, TypedArray>();
      for (const [name, value] of await executable.run(new Map(values))) {
        results.set(name, await backend.download(value));
      }
      await backend.dispose();
      return results;
    }),
  );
  for (const [name, values] of whole) {
    const actual = first.get(name)!;
    expect(
      values.findIndex((v, i) => !(Math.abs(actual[i] - v) < 1e-4 * Math.max(1, Math.abs(v)))),
      name,
    ).toBe(-1);
  }
  for (const other of others) expect(other).toEqual(first);
});
