// Training of some parameters alone, in phases.

import { expect, test } from 'vitest';
import { adam, adamW, classification, defineModel, dense, sequential, sgd, trainingStepGraph } from '../src/index.js';
import { collect, fitting, points, setup, timeless } from './small-training.js';

const inHead = (path: string) => path.startsWith('out.');

test('what is not trained stays as it is: no decay, no slots, statistics of batch normalization as they were', async () => {
  const { trainer } = await setup({ trainable: inHead, optimizer: adamW({ weightDecay: 0.5 }) });
  const before = await trainer.values();
  await collect(trainer.fit(fitting));
  const { tensors } = await trainer.checkpoint();
  const changed = [...before].filter(([path, { data }]) => !Object.is(`${data}`, `${tensors.get(path)!.data}`));
  expect(changed.map(([path]) => path)).toEqual(['out.weight', 'out.bias']);
  expect(
    [...tensors.keys()].filter((path) => path.startsWith('optimizer.')).every((path) => /\.out\./.test(path)),
  ).toBe(true);
});

test('only what is above the first parameter that is trained is differentiated', () => {
  const network = sequential({ a: dense(64), b: dense(64), c: dense(64), out: dense(3) });
  const model = defineModel(network, { input: { shape: [null, 64], dtype: 'float32' } });
  const spec = { features: { shape: [8, 64], dtype: 'float32' }, labels: { shape: [8], dtype: 'int32' } } as const;
  const products = (trainable?: (path: string) => boolean) =>
    trainingStepGraph({ ...model, trainable }, classification(), sgd(), spec).nodes.filter(({ op }) => op === 'matmul')
      .length;
  expect([products(), products(inHead)]).toEqual([4 + 4 + 3, 4 + 1]);
});

test('a layer whose statistics are not trained computes in training as in prediction, and is not recalibrated', async () => {
  const { trainer } = await setup({ trainable: (path) => !path.startsWith('bn.') });
  const data = points(32);
  await trainer.recalibrate(data);
  expect((await trainer.values()).get('bn.runningMean')!.data.every((v) => v === 0)).toBe(true);
  const batch = { features: Float32Array.of(0, 1, 1, 0), labels: Int32Array.of(0, 1) };
  const { data: outputs } = (await trainer.observe(batch, { learningRate: 0.1 })).find(({ name }) => name === 'bn')!;
  const { data: inputs } = (await trainer.observe(batch, { learningRate: 0.1 })).find(({ name }) => name === 'hidden')!;
  for (const [i, v] of outputs.entries()) expect(v).toBeCloseTo(inputs[i]! / Math.sqrt(1 + 1e-5), 6);
});

test.each([adam, sgd])(
  'training in two phases goes on to the last bit from a checkpoint before, at and after the change',
  async (optimizer) => {
    const trainable = (path: string, epoch: number) => epoch >= 2 || inHead(path);
    const fit = { ...fitting, epochs: 4 };
    const options = { trainable, optimizer: optimizer() };
    const whole = await setup(options);
    const events = await collect(whole.trainer.fit(fit));
    const expected = await whole.trainer.checkpoint();
    expect(expected.position.phase).toEqual({ epoch: 2, steps: 8 });
    for (const stopAt of [1, 2, 3]) {
      const first = await setup(options);
      await collect(first.trainer.fit({ ...fit, epochs: stopAt }));
      const second = await setup({ ...options, seed: 99 });
      second.trainer.restore(await first.trainer.checkpoint());
      const rest = await collect(second.trainer.fit(fit));
      expect((await second.trainer.checkpoint()).tensors).toEqual(expected.tensors);
      const evaluations = (all: typeof events) =>
        timeless(all).filter(({ type }: { type: string }) => type === 'evaluation');
      expect(evaluations(rest)).toEqual(evaluations(events).slice(stopAt));
    }
  },
);

test('the optimizer of a later phase begins as a new one would', async () => {
  const phases = await setup({ trainable: (path, epoch) => epoch >= 1 || inHead(path) });
  await collect(phases.trainer.fit({ ...fitting, epochs: 1 }));
  const batch = { features: Float32Array.of(0, 1, 1, 0, 1, 1, 0.5, 0), labels: Int32Array.of(0, 1, 2, 0) };
  const anew = await setup();
  const start = await phases.trainer.values();
  anew.trainer.load(start);
  await phases.trainer.step(batch, { learningRate: 0.1 });
  await anew.trainer.step(batch, { learningRate: 0.1 });
  // Dropout differs by the number of the step; the first step of Adam is the learning rate, whatever the gradient is.
  const size = ({ trainer }: typeof anew, path: string) =>
    trainer.values().then((values) => values.get(path)!.data.map((v, i) => Math.abs(v - start.get(path)!.data[i]!)));
  for (const step of await size(phases, 'out.bias')) expect(step).toBeCloseTo(0.1, 4);
  for (const step of await size(anew, 'out.bias')) expect(step).toBeCloseTo(0.1, 4);
});

test('to train nothing is refused', async () => {
  await expect(setup({ trainable: () => false })).rejects.toThrow(
    'no parameter is trained in epoch 1; train at least one',
  );
});
