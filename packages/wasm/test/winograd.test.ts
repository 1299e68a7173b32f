// Convolutions by transforms: equal to the sum of products they stand for, in all three directions.

import { constant, createGenerator, createGraph, type Graph, input, ops, sizeOf, type Value } from '@bn/core';
import { createBackend as createReference } from '@bn/reference';
import { createBackend } from '@bn/wasm';
import { expect, test } from 'vitest';
import { allPasses, planGraph } from '../src/pipeline.js';
import { printSteps } from '../src/plan/steps.js';
import { operationsOf } from '../src/profile/operations.js';

/** A convolution and its gradients on images that make whole tiles, or tiles that overhang, or none. */
function convolutions(taps: number, width: number, around: number, [batch, out, channels] = [6, 16, 12]) {
  const [x, w] = [input('x', [batch, channels, 9, width]), input('w', [out, channels, taps, taps])];
  const padding = [around, around, around, around] as const;
  const geometry = { stride: [1, 1], padding, dilation: [1, 1], groups: 1 } as const;
  const y = ops.conv2d(x, w, geometry);
  const dy = input('dy', y.shape);
  return createGraph({
    y,
    dx: ops.conv2dInputGradient(dy, w, { ...geometry, inputSize: [9, width] }),
    dw: ops.conv2dFilterGradient(x, dy, { ...geometry, kernelSize: [taps, taps] }),
  });
}

test.each([
  [3, 10, 0, true],
  [3, 8, 0, true],
  [3, 12, 1, true],
  [5, 12, 0, true],
  [5, 10, 0, true],
  [5, 12, 2, true],
  [5, 11, 0, true],
  [3, 11, 1, true],
  [4, 11, 0, false],
])('a kernel of %i on rows of %i, padded by %i: transforms %s', async (taps, width, around, transforms) => {
  const graph = convolutions(taps, width, around);
  expect(usesTransforms(graph)).toBe(transforms);
  await expectEqual(graph);
});

test.each([
  [1, 3, 12, 1, true],
  [1, 5, 12, 0, true],
  [3, 3, 11, 1, true],
  [1, 4, 12, 1, false],
])(
  'of %i images with a kernel of %i, rows of %i, padded by %i: with a known filter, transforms %s',
  async (batch, taps, width, around, transforms) => {
    const random = createGenerator(width);
    const size = 16 * 12 * taps * taps;
    const filter = constant(
      Float32Array.from({ length: size }, () => random.normal()),
      [16, 12, taps, taps],
    );
    const padding = [around, around, around, around] as const;
    const geometry = { stride: [1, 1], padding, dilation: [1, 1], groups: 1 } as const;
    const x = input('x', [batch, 12, 9, width]);
    const graph = createGraph({ y: ops.conv2d(x, filter, geometry) });
    expect(usesTransforms(graph)).toBe(transforms);
    expect(usesTransforms(createGraph({ y: ops.conv2d(x, input('w', filter.shape), geometry) }))).toBe(false);
    await expectEqual(graph);
  },
);

const usesTransforms = (graph: Graph) => {
  const plan = (winograd: boolean) => printSteps(planGraph(graph, 1, { ...allPasses, winograd }).steps);
  return plan(true) !== plan(false);
};

/** Computes with both backends, from random inputs. */
async function expectEqual(graph: Graph): Promise<void> {
  const random = createGenerator(graph.nodes.length);
  const data = [...graph.inputs].map(([name, { shape }]) => {
    return [name, shape, Float32Array.from({ length: sizeOf(shape) }, () => random.normal())] as const;
  });
  const [expected, actual] = await Promise.all(
    [await createReference({ precision: 64 }), await createBackend({ threads: 2 })].map(async (backend) => {
      const executable = await backend.compile(graph);
      const values = data.map(([name, shape, array]): [string, Value] => {
        return [name, backend.upload(array, { shape, dtype: 'float32' })];
      });
      const outputs = await executable.run(new Map(values));
      const results = await Promise.all([...outputs.values()].map((value) => backend.download(value)));
      await backend.dispose();
      return results;
    }),
  );
  expected.forEach((values, i) => {
    const scale = Math.max(...Array.from(values, Math.abs));
    const error = Math.max(...Array.from(values, (v, at) => Math.abs(actual[i][at] - v)));
    expect(error / scale, [...graph.outputs.keys()][i]).toBeLessThan(3e-6);
  });
}

test('kernels of 3 × 3 are transformed along rows and columns, in all three directions', () => {
  const graph = convolutions(3, 13, 1, [64, 64, 48]);
  const operations = (winograd: boolean) =>
    planGraph(graph, 1, { ...allPasses, winograd })
      .steps.flatMap(({ nests }) => nests)
      // The transforms of filters are products too, once for the whole batch.
      .filter(({ name }) => name.startsWith('conv2d'))
      .reduce((sum, nest) => sum + (operationsOf(nest) ?? 0), 0);
  // 3 · 4 tiles of 4 × 4 results, each 36 products, in place of 9 · 13 results of 9 products.
  expect(operations(true) / operations(false)).toBeCloseTo((3 * 4 * 36) / (9 * 13 * 9), 6);
});
