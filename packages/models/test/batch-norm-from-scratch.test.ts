import { batchNorm, createGraph, dense, gradients, input, type Layer, ops, sequential, trace } from '@bn/core';
import { expect, test } from 'vitest';
import { evaluate } from '../../core/test/evaluate.js';
import { setup } from '../../core/test/small-training.js';
import { batchNormFromScratch } from '../src/index.js';

test('the gradient derived by hand equals the automatic one of the from-scratch function, with fewer reductions', async () => {
  const shape = [4, 3, 5, 6];
  const x = input('features', shape);
  const dy = input('dy', shape);
  const data: Record<string, number[]> = {
    features: Array.from({ length: 360 }, (_, i) => Math.sin(i * 1.7) * 3 + 2),
    dy: Array.from({ length: 360 }, (_, i) => Math.cos(i * 0.9)),
    gamma: [0.5, 1, 2],
    beta: [0, 1, -1],
  };
  const derive = async (network: Layer) => {
    const { output, parameters } = trace(
      { network, input: { shape: [null, ...shape.slice(1)], dtype: 'float32' } },
      x,
      { training: true },
    );
    const inputs = [x, parameters.get('gamma')!.tensor, parameters.get('beta')!.tensor];
    const [dx, dgamma, dbeta] = gradients(output, inputs, dy) as [typeof x, typeof x, typeof x];
    const reductions = createGraph({ dx, dgamma, dbeta }).nodes.filter((node) => node.op === 'sum').length;
    return {
      reductions,
      ...(await evaluate({ dx, dgamma: ops.reshape(dgamma, [3]), dbeta: ops.reshape(dbeta, [3]) }, data)),
    };
  };
  const layer = await derive(batchNorm());
  const scratch = await derive(batchNormFromScratch());
  expect(layer.reductions).toBe(4); // mean, variance, Σ dy, Σ dy·(x − mean)
  expect(scratch.reductions).toBeGreaterThan(layer.reductions);
  for (const name of ['dx', 'dgamma', 'dbeta'] as const) {
    const scale = Math.max(...scratch[name].map(Math.abs));
    expect(layer[name].map((v) => v / scale)).toEqual(scratch[name].map((v) => expect.closeTo(v / scale, 10)));
  }
});

test.each([
  ['features', [4, 3]],
  ['images', [4, 3, 2, 5]],
])('for %s it predicts with, and moves, its averages as the layer does', async (_, shape) => {
  const values = {
    features: Array.from({ length: 120 }, (_, i) => Math.sin(i)).slice(
      0,
      shape.reduce((a, b) => a * b),
    ),
  };
  const state = { gamma: [2, 1, 0.5], beta: [0, 1, 2], mean: [0.1, 0.2, 0.3], variance: [1, 2, 3] };
  const inputs = {
    ...values,
    ...state,
    runningMean: state.mean,
    runningVariance: state.variance,
    movingMean: state.mean,
    movingVariance: state.variance,
  };
  const run = async (network: Layer) => {
    const model = { network, input: { shape: [null, ...shape.slice(1)], dtype: 'float32' as const } };
    const training = trace(model, input('features', shape), { training: true });
    const prediction = trace(model, input('features', shape));
    const [mean, variance] = [...training.updates.values()] as [typeof training.output, typeof training.output];
    return evaluate({ predicted: prediction.output, trained: training.output, mean, variance }, inputs);
  };
  const [scratch, layer] = [await run(batchNormFromScratch()), await run(batchNorm())];
  for (const name of ['predicted', 'trained', 'mean', 'variance'] as const) {
    expect(scratch[name]).toEqual(layer[name].map((v) => expect.closeTo(v, 12)));
  }
});

test.each([100, 8, 2])('recalibration in batches of %d gives the variance of the population', async (batchSize) => {
  const network = sequential({ bn: batchNormFromScratch(), out: dense(2) });
  const { trainer } = await setup({ network, inputs: [1] });
  const get = (i: number) => ({ features: [i], label: i % 2 });
  await trainer.recalibrate({ length: 100, features: { shape: [1], dtype: 'float32' }, get }, { batchSize });
  const { data } = (await trainer.values()).get('bn.movingVariance')!;
  expect(data[0]! / ((100 ** 2 - 1) / 12)).toBeCloseTo(1, 5);
});
