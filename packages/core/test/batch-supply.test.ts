// Data that is loaded ahead of the step, and which examples an epoch takes.

import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import {
  assembleBatch,
  balancedSampling,
  balancedWeights,
  createGenerator,
  type Dataset,
  type TrainerEvent,
} from '../src/index.js';
import { collect, fitting, points, setup, timeless } from './small-training.js';

/** The points as they come from a slow source, with noise of each epoch's own, and what was asked for. */
function loaded(length: number, { noise = 0 } = {}) {
  const { get, ...outline } = points(length);
  const asked: (number | null)[] = [];
  const dataset: Dataset = {
    ...outline,
    get: () => {
      throw new Error('asked for without a promise');
    },
    async load(indices, features, labels, { epoch, generatorOf }) {
      asked.push(epoch);
      // Later batches are ready before earlier ones.
      await setTimeout(asked.length % 2 === 0 ? 0 : 3);
      for (let i = 0; i < indices.length; i++) {
        const example = get(indices[i]!);
        const random = generatorOf(indices[i]!);
        features.set(
          Array.from(example.features, (x) => x + noise * random.normal()),
          2 * i,
        );
        labels[i] = example.label as number;
      }
    },
  };
  return { dataset, asked };
}

test('data that is loaded ahead trains as data in memory does, and is asked for before the step before is told of', async () => {
  const memory = await setup();
  const expected = await collect(memory.trainer.fit(fitting));
  const slow = await setup();
  const [train, test] = [loaded(50), loaded(20)];
  const events: TrainerEvent[] = [];
  for await (const event of slow.trainer.fit({ ...fitting, train: train.dataset, test: test.dataset })) {
    events.push(event);
    // Four batches an epoch: while one is computed the next is on its way, also that of the next epoch.
    const steps = events.filter(({ type }) => type === 'step').length;
    if (event.type === 'step') expect(train.asked).toHaveLength(Math.min(steps + 1, 12));
  }
  expect(timeless(events)).toEqual(timeless(expected));
  expect(await slow.trainer.values()).toEqual(await memory.trainer.values());
  expect(train.asked).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]);
  expect(new Set(test.asked)).toEqual(new Set([null]));
  const epochs = events.filter((event) => event.type === 'epoch');
  for (const { waited, seconds } of epochs) expect(waited > 0 && waited <= seconds).toBe(true);
  await slow.trainer.recalibrate(loaded(50).dataset);
  await memory.trainer.recalibrate(points(50));
  expect(await slow.trainer.values()).toEqual(await memory.trainer.values());
});

test('what is random in loaded data is the same after a resume within an epoch, and differs between epochs', async () => {
  const options = () => ({ ...fitting, train: loaded(50, { noise: 0.5 }).dataset });
  const whole = await setup();
  await collect(whole.trainer.fit(options()));
  const stopped = await setup();
  const signal = { aborted: false };
  for await (const event of stopped.trainer.fit({ ...options(), signal })) {
    if (event.type === 'step' && event.epoch === 2 && event.step === 2) signal.aborted = true;
  }
  const resumed = await setup();
  resumed.trainer.restore(await stopped.trainer.checkpoint());
  await collect(resumed.trainer.fit(options()));
  expect(await resumed.trainer.values()).toEqual(await whole.trainer.values());
  const plain = await setup();
  await collect(plain.trainer.fit(fitting));
  expect(await plain.trainer.values()).not.toEqual(await whole.trainer.values());
});

test('a failure to load ends the training with its message, also one of a batch that is loaded ahead', async () => {
  const { trainer } = await setup();
  const { dataset, asked } = loaded(50);
  const load: Dataset['load'] = (...args) =>
    asked.length === 2 ? Promise.reject(new Error('the disk is gone')) : dataset.load!(...args);
  await expect(collect(trainer.fit({ ...fitting, train: { ...dataset, load } }))).rejects.toThrow('the disk is gone');
  const wrong: Dataset = { ...dataset, load: async (_, __, labels) => void labels.fill(7) };
  await expect(collect(trainer.fit({ ...fitting, train: wrong }))).rejects.toThrow(/has the label 7, expected/);
});

test('balanced sampling takes as many of each class, of the large one others each time', () => {
  const labels = [...Array(80).fill(0), ...Array(15).fill(1), ...Array(5).fill(2)];
  const sampling = balancedSampling(labels);
  const epochs = [0, 1].map((epoch) => sampling(100, createGenerator(3, epoch)));
  for (const epoch of epochs) {
    const counts = [0, 1, 2].map((k) => epoch.filter((i) => labels[i] === k).length);
    expect(counts.sort()).toEqual([33, 33, 34]);
    const times = (i: number) => epoch.filter((j) => j === i).length;
    for (let i = 0; i < 80; i++) expect(times(i)).toBeLessThanOrEqual(1);
    for (let i = 95; i < 100; i++) expect([6, 7]).toContain(times(i));
  }
  expect(epochs[0]).not.toEqual(epochs[1]);
  expect(sampling(100, createGenerator(3, 1))).toEqual(epochs[1]);
  expect(() => sampling(99, createGenerator(0))).toThrow('there are 100 labels for 99 examples');
});

test('balanced weights make classes count alike, and leave the mean of the loss where it is', () => {
  const weights = balancedWeights([0, 0, 0, 0, 0, 0, 3, 3], 4);
  expect(weights).toEqual([8 / 12, 1, 1, 2]);
  expect((6 * weights[0]! + 2 * weights[3]!) / 8).toBe(1);
});

test('an epoch takes what the sampling says, from the run’s seed', async () => {
  const { trainer } = await setup();
  const train = points(50);
  const taken: number[] = [];
  const fill: Dataset['fill'] = (indices, features, labels) => {
    for (let i = 0; i < indices.length; i++) taken.push(indices[i]!);
    const batch = assembleBatch(train, indices);
    features.set(batch.features);
    labels.set(batch.labels);
  };
  const sampling = balancedSampling(Array.from({ length: 50 }, (_, i) => Number(i < 5)));
  await collect(trainer.fit({ ...fitting, train: { ...train, fill }, sampling, epochs: 1 }));
  expect(taken).toHaveLength(50);
  expect(taken.filter((i) => i < 5)).toHaveLength(25);
});
