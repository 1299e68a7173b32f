// Random graphs and training steps against the reference backend, with passes left out, and on several threads.

import { createGraph, gradients, input, ops } from '@bn/core';
import { describe, test } from 'vitest';
import { compare } from './compare-with-reference.js';
import { randomGraph, randomTraining } from './random-graphs.js';

describe('random graphs', () => {
  test.each(Array.from({ length: 36 }, (_, i) => i))('%i', async (seed) => {
    await compare(`graph ${seed}`, randomGraph(seed), 2e-4);
  });
});

describe('training steps of random networks', () => {
  test.each(Array.from({ length: 24 }, (_, i) => i))('%i', async (seed) => {
    await compare(`network ${seed}`, randomTraining(seed), 2e-3);
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
