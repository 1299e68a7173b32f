// Random graphs and training steps against the reference backend, with passes left out, and on several threads.

import { createGraph, gradients, input, ops, type Tensor } from '@bn/core';
import { describe, test } from 'vitest';
import { compare } from './compare-with-reference.js';
import { filled, randomGraph, randomPrediction, randomTraining } from './random-graphs.js';

describe('random graphs', () => {
  test.each(Array.from({ length: 20 }, (_, i) => i))('%i', async (seed) => {
    await compare(`graph ${seed}`, randomGraph(seed), 2e-4);
  });
});

describe('training steps of random networks', () => {
  test.each(Array.from({ length: 12 }, (_, i) => i))('%i', async (seed) => {
    await compare(`network ${seed}`, randomTraining(seed), 2e-3);
  });
});

describe('predictions of random networks with known filters, for fewer images than lanes', () => {
  test.each(Array.from({ length: 8 }, (_, i) => i))('%i', async (seed) => {
    await compare(`prediction ${seed}`, randomPrediction(seed), 2e-4);
  });
});

test('gradients of a kernel larger than the image, for fewer images than lanes', async () => {
  const [x, first, second] = [input('x', [1, 2, 2, 2]), input('first', [1, 2, 1, 1]), input('second', [1, 1, 3, 3])];
  const y = ops.conv2d(ops.conv2d(x, first), second, { padding: [1, 1, 1, 1] });
  const [dx, dFirst, dSecond] = gradients(ops.sum(ops.mul(y, y)), [x, first, second]);
  const inputs = [x, first, second].map(({ shape }, n) => {
    const size = shape.reduce<number>((product, extent) => product * extent!, 1);
    return [['x', 'first', 'second'][n]!, Float32Array.from({ length: size }, (_, i) => Math.sin(3 * n + i))] as const;
  });
  await compare('small', { graph: createGraph({ dx, dFirst, dSecond }), inputs: new Map(inputs) }, 1e-5);
});

test('layers that repeat, whose code differs by addresses alone', async () => {
  const weights = ['a', 'b', 'c', 'd'].map((name) => input(name, [6, 6]));
  let [y, sum]: Tensor[] = [input('x', [13, 6]), input('total', [1, 6])];
  for (const weight of weights) {
    y = ops.tanh(ops.matmul(y, weight));
    sum = ops.add(sum, ops.sum(ops.matmul(ops.exp(y), weight), [0], { keepDims: true }));
  }
  const slopes = gradients(ops.sum(ops.mul(sum, sum)), weights);
  const named = weights.map(({ attributes: { name } }, i) => [`d${name}`, slopes[i]] as const);
  await compare('repeating', filled(createGraph({ y, sum, ...Object.fromEntries(named) })), 1e-4);
});

test('products with one matrix for all leading indices, and their gradients', async () => {
  const [x, first, second] = [input('x', [5, 3, 7, 6]), input('first', [6, 8]), input('second', [1, 1, 4, 8])];
  const y = ops.matmul(ops.tanh(ops.matmul(x, first)), second, { transposeB: true });
  const [dx, dFirst, dSecond] = gradients(ops.sum(ops.mul(y, y)), [x, first, second]);
  await compare('shared', filled(createGraph({ y, dx, dFirst, dSecond })), 1e-4);
});
