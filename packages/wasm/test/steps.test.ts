// The plan of a training step, read as text.

import {
  batchNorm,
  classification,
  createGraph,
  defineModel,
  input,
  type Layer,
  ops,
  sgd,
  type Tensor,
  trainingStepGraph,
} from '@bn/core';
import { batchNormFromScratch, lenet } from '@bn/models';
import { expect, test } from 'vitest';
import { allPasses, planGraph } from '../src/pipeline.js';
import { printSteps } from '../src/plan/steps.js';

function stepsOf(normalization: () => Layer) {
  const model = defineModel(lenet({ normalization }), { input: { shape: [null, 1, 28, 28], dtype: 'float32' } });
  const graph = trainingStepGraph(model, classification(), sgd(), {
    features: { shape: [256, 1, 28, 28], dtype: 'uint8' },
    labels: { shape: [256], dtype: 'int32' },
  });
  return planGraph(graph, 1, allPasses).steps;
}

test('LeNet: eleven passes over the batch: the images, each batch statistic in each direction, and what follows dense1’s input gradient', () => {
  const steps = stepsOf(() => batchNorm());
  expect(steps.filter(({ domain }) => domain === 'groups').length).toBe(11);
  const second = `step 2${printSteps(steps).split(/^step [23]/m)[1]}`;
  // The convolution’s products, its results, and both sums of the statistics, before anything waits for all images.
  expect(second).toMatch(/^step 2 groups\nconv2d: for g<64 .*\n.*\ntransform: .*\n(.*\n){4}sum mul: .*\n.*\nsum: /);
});

test('batch normalization from scratch becomes what the gradient derived by hand is: as many sums in each pass', () => {
  const sums = (steps: ReturnType<typeof stepsOf>) =>
    steps
      .filter(({ domain }) => domain === 'groups')
      .map(({ nests }) => nests.filter(({ inner }) => inner.length > 0).length);
  expect(sums(stepsOf(() => batchNormFromScratch()))).toEqual(sums(stepsOf(() => batchNorm())));
});

test('a chain of products as long as a deep network is compiled without a call within a call for each', () => {
  let x: Tensor = input('x', [8, 4]);
  for (let i = 0; i < 1200; i++) x = ops.matmul(x, input('w', [4, 4]));
  const { steps } = planGraph(createGraph({ y: x }), 1, allPasses);
  expect(steps.flatMap(({ nests }) => nests).length).toBeGreaterThanOrEqual(1200);
});
