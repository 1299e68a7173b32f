// Averages of weights: PyTorch's values, what predicts by them, and going on with them.

import { readFileSync } from 'node:fs';
import { createBackend } from '@bn/reference';
import { describe, expect, test } from 'vitest';
import {
  type Average,
  createTrainer,
  decodeCheckpoint,
  defineModel,
  ema,
  encodeCheckpoint,
  fromTorch,
  type Layer,
  type Objective,
  ops,
  sgd,
  sizeOf,
  swa,
  type Trainer,
  zeros,
} from '../src/index.js';
import { collect, fitting, points, setup, timeless } from './small-training.js';

describe('averages over four steps are those of torch.optim.swa_utils', () => {
  /** Made by data/torch_training.py. */
  const torch = JSON.parse(readFileSync(new URL('data/torch-training.json', import.meta.url), 'utf8'));
  const gradients: number[][] = torch.gradients.map((all: object) => Object.values(all).flat(2));

  /** A loss whose gradient is that of the file: the features, and 0.1 times the parameter. */
  const network: Layer = (x, scope) => {
    const layer = scope.child('layer');
    const parts = [layer.parameter('weight', [2, 3], zeros()), layer.parameter('bias', [3], zeros())];
    const flat = ops.concat(
      parts.map((part) => ops.reshape(part, [sizeOf(part.shape as number[])])),
      0,
    );
    const terms = ops.add(ops.mul(flat, ops.sum(x, [0])), ops.mul(ops.square(flat), 0.05));
    return ops.reshape(ops.sum(terms), [1, 1]);
  };
  const objective: Objective = {
    task: 'regress',
    loss: (output) => ops.sum(output),
    metrics: {},
    answer: (output) => output,
    gives: { kind: 'values', of: (output) => output },
    requireFits() {},
  };

  async function averageOf(average: Average, train: (trainer: Trainer) => Promise<unknown>) {
    const model = defineModel(network, { input: { shape: [null, 9], dtype: 'float32' } });
    const backend = await createBackend({ precision: 64 });
    const trainer = await createTrainer({ model, backend, objective, optimizer: sgd(), average });
    const initial = Object.entries(torch.initial) as [string, number[] | number[][]][];
    trainer.load(
      new Map(
        initial.map(([path, values]) => {
          const shape = path.endsWith('weight') ? [2, 3] : [3];
          return [path, { shape, data: Float32Array.from(values.flat()) }];
        }),
      ),
    );
    await train(trainer);
    const values = await trainer.values();
    return Object.fromEntries([...values].map(([path, { data }]) => [path, [...data]]));
  }
  const close = (name: string) =>
    Object.fromEntries(
      Object.entries<number[]>(torch.averages[name]).map(([path, all]) => [path, all.map((v) => expect.closeTo(v, 6))]),
    );

  test.each([
    ['ema', ema({ decay: 0.1 })],
    ['ema with warm-up', ema({ decay: 0.3 })],
  ])('%s', async (name, average) => {
    const values = await averageOf(average, async (trainer) => {
      for (const gradient of gradients) {
        const batch = { features: Float32Array.from(gradient), labels: Float32Array.of(0) };
        await trainer.step(batch, { learningRate: torch.rate });
      }
    });
    expect(values).toEqual(close(name));
  });

  test('swa', async () => {
    let epoch = 0;
    const train = {
      length: 1,
      features: { shape: [9], dtype: 'float32' },
      labels: { shape: [1], dtype: 'float32' },
      get: () => ({ features: gradients[epoch++]!, label: [0] }),
    } as const;
    const values = await averageOf(swa({ start: 0 }), (trainer) =>
      collect(trainer.fit({ train, epochs: 4, learningRate: torch.rate })),
    );
    expect(values).toEqual(close('swa'));
  });
});

const fit = { ...fitting, epochs: 4, validation: points(15) };

test('swa is the present values until its start, then the mean of the ends of epochs, with statistics of their own', async () => {
  const { trainer } = await setup({ average: swa({ start: 0.5 }) });
  const plain = await setup();
  const [ends, moving, evaluations] = [[] as number[], [] as number[][], [] as number[]];
  const running = async ({ trainer }: { trainer: Trainer }) => [
    ...(await trainer.values()).get('bn.runningMean')!.data,
  ];
  for await (const event of trainer.fit(fit)) {
    if (event.type === 'validation') evaluations.push(event.loss);
    if (event.type !== 'checkpoint') continue;
    const { tensors } = await trainer.checkpoint();
    ends.push(tensors.get('out.bias')!.data[0]!);
    moving.push([...tensors.get('bn.runningMean')!.data]);
    const [average] = (await trainer.values()).get('out.bias')!.data;
    const averaged = ends.slice(Math.min(2, event.epoch - 1));
    expect(average).toBeCloseTo(averaged.reduce((sum, v) => sum + v, 0) / averaged.length, 6);
  }
  const [before] = await Promise.all([running({ trainer })]);
  expect(before).not.toEqual(moving.at(-1));
  await trainer.recalibrate(fit.train, { batchSize: fit.batchSize });
  expect(await running({ trainer })).toEqual(before);
  expect((await trainer.evaluate(fit.validation)).loss).toBe(evaluations.at(-1));
  // Training itself knows nothing of the average.
  await collect(plain.trainer.fit(fit));
  const raw = (await trainer.checkpoint()).tensors;
  for (const [path, tensor] of (await plain.trainer.checkpoint()).tensors) expect(raw.get(path)).toEqual(tensor);
});

test.each<[string, Average]>([
  ['ema', ema({ decay: 0.9 })],
  ['swa', swa({ start: 0.25 })],
])('%s goes on from the middle, and in bundles of steps, to the same bits', async (_, average) => {
  const whole = await setup({ average });
  const events = await collect(whole.trainer.fit(fit));
  const { tensors, position } = await whole.trainer.checkpoint();
  const first = await setup({ average });
  const stop = new AbortController();
  const before = [];
  for await (const event of first.trainer.fit({ ...fit, signal: stop.signal })) {
    if (event.type === 'step' && event.epoch === 3 && event.step === 2) stop.abort();
    before.push(event);
  }
  const bytes = encodeCheckpoint(await first.trainer.checkpoint());
  const second = await setup({ average, seed: 99 });
  second.trainer.restore(decodeCheckpoint(bytes));
  const after = await collect(second.trainer.fit({ ...fit, stepsPerRun: 2 }));
  expect(timeless([...before.slice(0, -1), ...after])).toEqual(timeless(events));
  const end = await second.trainer.checkpoint();
  expect(end.tensors).toEqual(tensors);
  expect({ ...end.position, seconds: 0, waited: 0 }).toEqual({ ...position, seconds: 0, waited: 0 });
});

test('what is trained later is averaged from its first value on, also in a training that goes on', async () => {
  const trainable = (path: string, epoch: number) => epoch >= 2 || path.startsWith('out.');
  const options = { average: ema({ decay: 0.9 }), trainable };
  const whole = await setup(options);
  const first = await whole.trainer.values();
  await collect(whole.trainer.fit({ ...fit, epochs: 2 }));
  const frozen = await whole.trainer.values();
  for (const path of ['hidden.weight', 'bn.runningMean']) expect(frozen.get(path)).toEqual(first.get(path));
  expect(frozen.get('out.weight')).not.toEqual(first.get('out.weight'));
  const bytes = encodeCheckpoint(await whole.trainer.checkpoint());
  await collect(whole.trainer.fit({ ...fit, epochs: 3 }));
  const averages = await whole.trainer.values();
  const [from, to, average] = [first, (await whole.trainer.checkpoint()).tensors, averages].map(
    (tensors) => tensors.get('hidden.weight')!.data,
  );
  // Between its first value and its last, where a zero to begin with would not be.
  const share = average!.reduce((sum, v, i) => sum + (v - from![i]!) / (to![i]! - from![i]!), 0) / average!.length;
  expect(share).toBeGreaterThan(0.05);
  expect(share).toBeLessThan(0.95);
  const second = await setup({ ...options, seed: 99 });
  second.trainer.restore(decodeCheckpoint(bytes));
  await collect(second.trainer.fit({ ...fit, epochs: 3 }));
  expect(await second.trainer.values()).toEqual(averages);
});

test('a checkpoint with averages gives these as weights for another training', async () => {
  const { trainer, model } = await setup({ average: ema() });
  await collect(trainer.fit(fit));
  const { tensors } = decodeCheckpoint(encodeCheckpoint(await trainer.checkpoint()));
  expect(fromTorch(model, tensors)).toEqual(await trainer.values());
});

test('a step outside fit has no end of an epoch for swa', async () => {
  const { trainer } = await setup({ average: swa() });
  const batch = { features: Float32Array.of(1, 0, 0, 1), labels: Int32Array.of(0, 1) };
  await expect(trainer.step(batch, { learningRate: 0.1 })).rejects.toThrow(/swa averages at the end of epochs/);
});
