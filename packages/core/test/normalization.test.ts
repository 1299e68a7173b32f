// Normalizations beside PyTorch's and the papers' definitions: data/normalization_golden.py wrote the numbers.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  batchNorm,
  batchRenorm,
  defineModel,
  dense,
  filterResponseNorm,
  ghostBatchNorm,
  gradients,
  groupNorm,
  input,
  instanceNorm,
  type Layer,
  layerNorm,
  ops,
  relu,
  scalar,
  sequential,
  trace,
} from '../src/index.js';
import { evaluate, numbers } from './evaluate.js';
import { points, setup } from './small-training.js';

interface Golden {
  readonly inputs: Readonly<Record<string, { readonly shape: number[]; readonly data: number[] }>>;
  readonly y: number[];
  readonly gradients: Readonly<Record<string, number[]>>;
}
const file = new URL('data/normalization.json', import.meta.url);
const golden = JSON.parse(readFileSync(file, 'utf8')) as Readonly<Record<string, Golden>>;

const close = (values: readonly number[]) => values.map((v) => expect.closeTo(v, 7));
const traced = (layer: Layer, shape: readonly number[], training: boolean) => {
  const x = input('features', shape);
  const model = defineModel(layer, { input: { shape: [null, ...shape.slice(1)], dtype: 'float32' } });
  return { x, ...trace(model, x, { training }) };
};

describe.each<[string, Layer, Record<string, number[]>]>([
  ['group', groupNorm({ groups: 2 }), {}],
  ['group of features', groupNorm(), {}],
  ['layer', layerNorm(), {}],
  ['layer of features', layerNorm(), {}],
  ['instance', instanceNorm(), {}],
  ['renorm', batchRenorm(), { warmth: [1] }],
  ['renorm, halfway', batchRenorm(), { warmth: [1 - Math.exp(-3)] }],
  ['ghost', ghostBatchNorm({ size: 2 }), {}],
  ['ghost of features', ghostBatchNorm({ size: 3 }), {}],
  ['frn', filterResponseNorm(), {}],
  ['frn, thresholded', filterResponseNorm({ threshold: true }), {}],
  ['frn of features', filterResponseNorm(), {}],
])('%s', (name, layer, more) => {
  const { inputs, y, gradients: slopes } = golden[name]!;
  const given = { ...Object.fromEntries(Object.entries(inputs).map(([path, { data }]) => [path, data])), ...more };

  test('has the values and gradients of its definition', async () => {
    const { x, output, parameters } = traced(layer, inputs.features!.shape, true);
    const leaves = new Map([['features', x], ...[...parameters].map(([path, { tensor }]) => [path, tensor] as const)]);
    expect([...leaves.keys()].sort()).toEqual(Object.keys(slopes).sort());
    const weights = input('weights', output.shape);
    const found = gradients(ops.sum(ops.mul(output, weights)), [...leaves.values()], scalar(1));
    const outputs = Object.fromEntries([...leaves.keys()].map((path, i) => [path, found[i]!]));
    const data = { ...given, weights: numbers(y.length, 3) };
    expect((await evaluate({ output }, data)).output).toEqual(close(y));
    const computed = await evaluate(outputs, data);
    for (const [path, slope] of Object.entries(slopes)) expect(computed[path], path).toEqual(close(slope));
  });
});

test.each<[string, Layer]>([
  ['groupNorm', groupNorm()],
  ['layerNorm', layerNorm()],
  ['instanceNorm', instanceNorm()],
  ['filterResponseNorm', filterResponseNorm()],
])('%s keeps no statistics, and predicts as it trains', async (_, layer) => {
  const values = { features: numbers(4 * 4 * 6), gamma: numbers(4, 1), beta: numbers(4, 2) };
  const [training, prediction] = [true, false].map((mode) => traced(layer, [4, 4, 2, 3], mode)) as [
    ReturnType<typeof traced>,
    ReturnType<typeof traced>,
  ];
  expect([...training.states.keys()]).toEqual([]);
  expect(await evaluate({ y: training.output }, values)).toEqual(await evaluate({ y: prediction.output }, values));
});

test.each<[string, Layer]>([
  ['batchRenorm', batchRenorm()],
  ['ghostBatchNorm', ghostBatchNorm({ size: 2 })],
])('%s keeps the running statistics of batchNorm, and predicts as it', async (_, layer) => {
  const values = {
    ...{ features: numbers(4 * 4 * 6), gamma: numbers(4, 1), beta: numbers(4, 2), warmth: [0] },
    ...{ runningMean: numbers(4, 3), runningVariance: [1, 2, 3, 4] },
  };
  const own = traced(layer, [4, 4, 2, 3], true);
  const batch = traced(batchNorm(), [4, 4, 2, 3], true);
  const running = ['runningMean', 'runningVariance'];
  const updates = (of: typeof own) => Object.fromEntries(running.map((path) => [path, of.updates.get(path)!]));
  const [found, expected] = [await evaluate(updates(own), values), await evaluate(updates(batch), values)];
  for (const path of running) expect(found[path], path).toEqual(close(expected[path]!));
  const predicted = (of: Layer) => evaluate({ y: traced(of, [4, 4, 2, 3], false).output }, values);
  expect(await predicted(layer)).toEqual(await predicted(batchNorm()));
  expect(own.variances.get('runningVariance')).toEqual(batch.variances.get('runningVariance'));
});

test('batchRenorm begins as batchNorm, and becomes warm', async () => {
  const values = {
    ...{ features: numbers(4 * 4 * 6), gamma: numbers(4, 1), beta: numbers(4, 2), warmth: [0.5] },
    ...{ runningMean: numbers(4, 3), runningVariance: [1, 2, 3, 4] },
  };
  const { output, updates } = traced(batchRenorm(), [4, 4, 2, 3], true);
  const { y, warmth } = await evaluate({ y: output, warmth: updates.get('warmth')! }, values);
  expect(y).toEqual(close((await evaluate({ y: traced(batchNorm(), [4, 4, 2, 3], true).output }, values)).y));
  expect(warmth).toEqual(close([0.5 + 0.5 / 500]));
});

test('recalibration of batchRenorm is that of batchNorm, however warm it is', async () => {
  const statisticsOf = async (norm: () => Layer) => {
    const network = sequential({ dense1: dense(3), bn1: norm(), act: relu(), dense2: dense(3), bn2: norm() });
    const { trainer, backend } = await setup({ network });
    const warm = [...(await trainer.values()).keys()].filter((path) => path.endsWith('warmth'));
    trainer.load(new Map(warm.map((path) => [path, { shape: [], data: Float32Array.of(0.999) }])));
    await trainer.recalibrate(points(40), { batchSize: 10 });
    const values = await trainer.values();
    await trainer.dispose();
    await backend.dispose();
    return [...values].filter(([path]) => path.includes('running')).flatMap(([, { data }]) => [...data]);
  };
  const found = await statisticsOf(batchRenorm);
  expect(found).toHaveLength(4 * 3);
  expect(found).toEqual((await statisticsOf(batchNorm)).map((v) => expect.closeTo(v, 6)));
});

test('a batch that the ghosts do not divide has larger ones, all equal', async () => {
  const values = {
    features: numbers(6 * 2),
    gamma: [1, 1],
    beta: [0, 0],
    runningMean: [0, 0],
    runningVariance: [1, 1],
  };
  const y = async (size: number) =>
    (await evaluate({ y: traced(ghostBatchNorm({ size }), [6, 2], true).output }, values)).y;
  expect(await y(2)).not.toEqual(await y(3));
  expect(await y(4)).toEqual(await y(6));
  expect(await y(4)).toEqual(await y(100));
});

test('groups are the most, up to 32, of two channels or more', () => {
  const groupsOf = async (channels: number) => {
    const values = {
      features: numbers(channels * 64, 1),
      gamma: Array(channels).fill(1),
      beta: Array(channels).fill(0),
    };
    const layers = [1, 2, 3, 4, 6, 8, 12, 16, 32].filter((groups) => channels % groups === 0);
    const y = async (layer: Layer) => (await evaluate({ y: traced(layer, [1, channels, 64], false).output }, values)).y;
    const usual = await y(groupNorm());
    for (const groups of layers) if (String(await y(groupNorm({ groups }))) === String(usual)) return groups;
    return null;
  };
  return expect(Promise.all([1, 6, 16, 64, 96].map(groupsOf))).resolves.toEqual([1, 3, 8, 32, 32]);
});

test.each<[string, Layer, number[], RegExp]>([
  ['groups that do not divide', groupNorm({ groups: 3 }), [2, 4, 2, 2], /4 channels do not divide into 3 groups/],
  ['groups of one value', groupNorm({ groups: 4 }), [2, 4], /one value per group.*use fewer groups/],
  [
    'instances of one value',
    instanceNorm(),
    [2, 4],
    /one value per channel of an example.*; use another normalization/,
  ],
  ['ghosts of one value', ghostBatchNorm({ size: 1 }), [2, 4], /use larger parts/],
  ['no channel axis', filterResponseNorm(), [4], /at least two axes/],
])('%s are an error', (_, layer, shape, message) => {
  expect(() => traced(layer, shape, true)).toThrow(message);
});
