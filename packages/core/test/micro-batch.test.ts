// Training with micro-batches: the run is that of whole batches.

import { describe, expect, test } from 'vitest';
import {
  batchNorm,
  decodeCheckpoint,
  dense,
  dropout,
  ema,
  encodeCheckpoint,
  type FitOptions,
  ghostBatchNorm,
  type Layer,
  ops,
  relu,
  sequential,
  sgd,
  type TrainerEvent,
  type TrainerOptions,
} from '../src/index.js';
import { collect, fitting, points, setup, timeless } from './small-training.js';

/** 3 batches of 32, and one of 4. */
const train: FitOptions = { ...fitting, train: points(100), batchSize: 32, validation: points(30) };

const network = (bn: Layer = batchNorm()) =>
  sequential({ hidden: dense(8), bn, act: relu(), drop: dropout(0.2), out: dense(3) });

/** Plain steps: those of Adam go by the signs of gradients, also where they are rounding. */
const plain: Partial<TrainerOptions> = { optimizer: sgd({ momentum: 0.9 }) };

async function outcome(options: Partial<TrainerOptions> & { network?: Layer } = {}, fit: Partial<FitOptions> = {}) {
  const { trainer, backend } = await setup({ network: network(), ...plain, ...options });
  const events = await collect(trainer.fit({ ...train, ...fit }));
  const { answers } = await trainer.evaluate(points(40), { batchSize: 32 });
  await trainer.recalibrate(points(70), { batchSize: 32 });
  const { position, tensors } = await trainer.checkpoint();
  await trainer.dispose();
  expect(backend.liveValues).toBe(0);
  return { events: timeless(events) as TrainerEvent[], answers, position, tensors };
}

/** All numbers in it, in one order. */
function numbersIn(value: unknown): number[] {
  if (typeof value === 'number') return [value];
  if (value instanceof Map) return numbersIn([...value.values()]);
  return value && typeof value === 'object' ? Object.values(value).flatMap(numbersIn) : [];
}

function expectClose(actual: unknown, expected: unknown, tolerance: number): void {
  const [a, b] = [numbersIn(actual), numbersIn(expected)];
  expect(a).toHaveLength(b.length);
  const apart = a.map((v, i) => Math.abs(v - b[i]!) / Math.max(0.1, Math.abs(b[i]!)));
  expect(Math.max(...apart)).toBeLessThan(tolerance);
}

test.each([
  ['equal parts', { microBatch: 8 }],
  ['unequal parts', { microBatch: 12 }],
  ['single examples', { microBatch: 1 }],
])('events, answers, statistics and values are those of whole batches: %s', async (_, options) => {
  const [whole, parts] = [await outcome(), await outcome(options)];
  expectClose(parts.events, whole.events, 1e-4);
  expectClose(parts.tensors, whole.tensors, 1e-4);
  expect(parts.answers).toEqual(whole.answers);
});

test('averages of weights, too', async () => {
  const average = ema({ decay: 0.9 });
  expectClose((await outcome({ average, microBatch: 8 })).tensors, (await outcome({ average })).tensors, 1e-4);
});

test('batches that are no larger than a part are computed as without', async () => {
  const whole = await outcome();
  expect(await outcome({ microBatch: 40 })).toEqual({ ...whole, position: expect.anything() });
});

test.each([
  ['statistics of the whole batch', {}],
  ['each part with its own', { syncBatchNorm: false }],
])('what is saved in the middle goes on to the same bits: %s', async (_, synchronized) => {
  const options = { network: network(), ...plain, microBatch: 12, ...synchronized };
  const whole = await setup(options);
  await collect(whole.trainer.fit(train));
  const first = await setup(options);
  const controller = new AbortController();
  let bytes: Uint8Array = new Uint8Array();
  for await (const event of first.trainer.fit({ ...train, signal: controller.signal })) {
    if (event.type === 'step' && event.step === 2) controller.abort();
    if (event.type === 'checkpoint') bytes = encodeCheckpoint(await first.trainer.checkpoint());
  }
  const second = await setup({ ...options, seed: 99 });
  second.trainer.restore(decodeCheckpoint(bytes));
  await collect(second.trainer.fit(train));
  expect((await second.trainer.checkpoint()).tensors).toEqual((await whole.trainer.checkpoint()).tensors);
});

test('a loss that is not finite is told with the layer, whichever part has it', async () => {
  const data = points(100);
  const wide = { ...data, get: (i: number) => ({ ...data.get!(i), features: i === 77 ? [3e38, 3e38] : [0, 1] }) };
  const big: Layer = (x) => ops.mul(x, 100);
  const net = sequential({ hidden: dense(8), big, bn: batchNorm(), out: dense(3) });
  const { trainer, backend } = await setup({ network: net, microBatch: 8 });
  const live = backend.liveValues;
  await expect(collect(trainer.fit({ ...train, train: wide }))).rejects.toThrow(
    /the output of (hidden|big) is not finite, though the data is/,
  );
  expect(backend.liveValues).toBe(live);
});

describe('each part with its own statistics', () => {
  const apart = { microBatch: 12, syncBatchNorm: false };

  test('without layers that reduce over the batch, the run is that of whole batches', async () => {
    const net = sequential({ hidden: dense(8), act: relu(), drop: dropout(0.2), out: dense(3) });
    const average = ema({ decay: 0.9 });
    const [whole, parts] = [
      await outcome({ network: net, average }),
      await outcome({ network: net, average, ...apart }),
    ];
    expectClose(parts.events, whole.events, 1e-4);
    expectClose(parts.tensors, whole.tensors, 1e-4);
  });

  test('with batch normalization it is another one', async () => {
    const [whole, parts] = [await outcome(), await outcome(apart)];
    const lossOf = ({ events }: typeof whole) => events.flatMap((e) => (e.type === 'step' ? [e.loss] : []))[0]!;
    expect(Math.abs(lossOf(parts) / lossOf(whole) - 1)).toBeGreaterThan(1e-3);
  });

  test('a batch counts once, exactly, however many parts it has', async () => {
    const { tensors } = await outcome({
      network: network(batchNorm({ convention: 'torch', momentum: null })),
      ...apart,
    });
    expect(tensors.get('bn.batches')!.data).toEqual(Float32Array.of(12));
  });

  test('a part that is too small for a layer is refused before the first step', async () => {
    const { trainer } = await setup({ network: network(), ...apart, microBatch: 1 });
    await expect(trainer.compile(points(100), { batchSize: 32 })).rejects.toThrow(
      /^a share of 1 of 32 examples: bn \(batchNorm\): one value per channel.*use a batch of two or more/,
    );
  });
});

test('random numbers that are not drawn along the first axis are refused: a part would take those of others', async () => {
  const across: Layer = (x, scope) => ops.mul(x, ops.transpose(scope.random([8, x.shape[0]!]), [1, 0]));
  const { trainer } = await setup({ network: network(across), microBatch: 8 });
  await expect(trainer.compile(points(100), { batchSize: 32 })).rejects.toThrow(
    /^random numbers of \[8, 32\] are drawn for each example, but not along the first axis/,
  );
});

test.each([
  ['statistics of the whole batch', {}],
  // The step could be computed, but not the statistics that `recalibrate` takes of whole batches in the end.
  ['each part with its own', { syncBatchNorm: false }],
])('what mixes examples is refused before the first step: %s', async (_, synchronized) => {
  const { trainer } = await setup({ network: network(ghostBatchNorm({ size: 4 })), microBatch: 8, ...synchronized });
  await expect(trainer.compile(points(100), { batchSize: 32 })).rejects.toThrow(
    /^bn \(reshape\) of \[32, 8\] mixes the examples of a batch/,
  );
});

test('refuses a size that is none', async () => {
  await expect(setup({ microBatch: 0 })).rejects.toThrow(/microBatch must be a positive/);
});
