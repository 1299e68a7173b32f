// Training by validation data: which epoch is best, when to stop, schedules that look at scores, and going on with all that.

import { describe, expect, test } from 'vitest';
import {
  type Checkpoint,
  decodeCheckpoint,
  encodeCheckpoint,
  type FitOptions,
  plateauSchedule,
  type ValidationEvent,
} from '../src/index.js';
import { collect, fitting, points, setup, timeless } from './small-training.js';

/** Noisy enough that the scores go up and down. */
const fit: FitOptions = {
  ...{ ...fitting, epochs: 12, learningRate: 0.3, validation: points(15) },
  schedule: plateauSchedule({ factor: 0.5, patience: 0 }),
};

/** Events, scores and rates by epoch, and the state at the end; stopped at a step, if that is given, and gone on from the bytes. */
async function outcome(options: Partial<FitOptions>, stopAt?: { epoch: number; step: number }) {
  const events = [];
  let bytes: Uint8Array | undefined;
  for (const part of stopAt ? ['first', 'second'] : ['first']) {
    const { trainer } = await setup({ seed: part === 'first' ? 3 : 99 });
    if (bytes) trainer.restore(decodeCheckpoint(bytes));
    const stop = new AbortController();
    for await (const event of trainer.fit({ ...fit, ...options, signal: stop.signal })) {
      if (event.type === 'step' && event.epoch === stopAt?.epoch && event.step === stopAt.step) stop.abort();
      if (event.type !== 'checkpoint' || event.reason === 'epoch') events.push(event);
    }
    bytes = encodeCheckpoint(await trainer.checkpoint());
  }
  const { position, tensors }: Checkpoint = decodeCheckpoint(bytes!);
  const rates = events.flatMap((event) => (event.type === 'epoch' ? [event.learningRate] : []));
  const validated = events.flatMap((event) => (event.type === 'validation' ? [event] : []));
  // Without seconds.
  const compared = { events: timeless(events), rates, validated: timeless(validated) as ValidationEvent[] };
  return { ...compared, state: { position: { ...position, seconds: 0, waited: 0 }, tensors } };
}

test('each epoch is scored on the validation data, by the loss or by what is asked for', async () => {
  const { validated, state, rates } = await outcome({});
  const scores = validated.map(({ score }) => score);
  expect(state.position.scores).toEqual(scores);
  expect(scores).toEqual(validated.map(({ loss }) => loss));
  expect(validated.map(({ isBest }) => isBest)).toEqual(
    scores.map((score, i) => scores.slice(0, i).every((s) => score < s)),
  );
  expect(new Set(rates).size).toBeGreaterThan(1);
  const { trainer } = await setup();
  await collect(trainer.fit({ ...fit, epochs: 1 }));
  const { answers: _, ...evaluated } = await trainer.evaluate(points(15));
  expect(validated[0]).toMatchObject(evaluated);
  const byAccuracy = await outcome({ score: ({ metrics }) => -metrics.accuracy!, schedule: undefined });
  expect(byAccuracy.validated[0]!.score).toBe(-byAccuracy.validated[0]!.metrics.accuracy!);
});

test('ends when as many epochs as its patience were no better, and stays ended', async () => {
  const { validated, state } = await outcome({ patience: 2 });
  const scores = validated.map(({ score }) => score);
  const best = Math.min(...scores);
  expect(scores.length).toBeLessThan(12);
  expect(scores.indexOf(best)).toBe(scores.length - 3);
  const { trainer } = await setup();
  trainer.restore(state);
  expect(await collect(trainer.fit({ ...fit, patience: 2 }))).toEqual([]);
  expect((await collect(trainer.fit({ ...fit, patience: 3, epochs: scores.length + 1 }))).length).toBeGreaterThan(0);
});

describe('going on from a step in the middle', () => {
  test.each([
    { epoch: 1, step: 2 },
    { epoch: 3, step: 1 },
  ])('%o gives the same events and bits', async (at) => {
    expect(await outcome({ patience: 3 }, at)).toEqual(await outcome({ patience: 3 }));
  });
});

test('mistakes are named', async () => {
  const { trainer } = await setup();
  const failure = (options: Partial<FitOptions>) => expect(collect(trainer.fit({ ...fitting, ...options }))).rejects;
  await failure({ patience: 2 }).toThrow('patience goes by validation data');
  await failure({ patience: 0, validation: points(3) }).toThrow('patience must be a positive integer');
  await failure({ schedule: plateauSchedule() }).toThrow('give validation data');
  await failure({ validation: points(3), score: () => Number.NaN }).toThrow('the score of epoch 1 is NaN');
});
