import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  constantSchedule,
  cosineSchedule,
  linearWarmup,
  oneCycleSchedule,
  plateauSchedule,
  type Schedule,
  stepSchedule,
} from '../src/index.js';

const factors = (schedule: Schedule, steps: number[]) =>
  steps.map((step) => Number(schedule({ step, totalSteps: 100, stepsPerEpoch: 10 }).toFixed(6)));

test('constant', () => expect(factors(constantSchedule(), [0, 99])).toEqual([1, 1]));

test('step multiplies after every so many epochs', () => {
  expect(factors(stepSchedule({ every: 3, factor: 0.5 }), [0, 29, 30, 60])).toEqual([1, 1, 0.5, 0.25]);
});

test('cosine goes from 1 to its final value', () => {
  expect(factors(cosineSchedule(), [0, 50, 100])).toEqual([1, 0.5, 0]);
  expect(factors(cosineSchedule({ final: 0.2 }), [0, 100])).toEqual([1, 0.2]);
});

test('linear warm-up rises to 1, then the schedule after it starts at its beginning', () => {
  expect(factors(linearWarmup({ epochs: 1 }, cosineSchedule()), [0, 4, 9, 10, 55, 100])).toEqual([
    0.1, 0.5, 1, 1, 0.5, 0,
  ]);
});

/** Made by data/torch_training.py. */
const torch = JSON.parse(readFileSync(new URL('data/torch-training.json', import.meta.url), 'utf8'));

describe('one cycle has the rates of PyTorch’s OneCycleLR', () => {
  test.each([
    ['default', oneCycleSchedule()],
    ['of 7 steps', oneCycleSchedule()],
    ['long rise', oneCycleSchedule({ rise: 0.55, initial: 0.1, final: 0.001 })],
  ])('%s', (name, schedule) => {
    const expected: number[] = torch.oneCycle[name];
    const rates = expected.map((_, step) => schedule({ step, totalSteps: expected.length, stepsPerEpoch: 1 }));
    expect(rates).toEqual(expected.map((rate) => expect.closeTo(rate, 12)));
  });

  test('is finite however few steps there are', () => {
    for (const totalSteps of [1, 2, 3, 4, 10]) {
      for (let step = 0; step < totalSteps; step++) {
        expect(oneCycleSchedule()({ step, totalSteps, stepsPerEpoch: 1 })).toBeGreaterThan(0);
      }
    }
  });
});

describe('plateau has the rates of PyTorch’s ReduceLROnPlateau', () => {
  const { falling, rising, rates } = torch.plateau;
  test.each([
    ['falling', falling, plateauSchedule({ factor: 0.5, patience: 1 })],
    ['rising', rising.map((score: number) => -score), plateauSchedule({ patience: 2 })],
    ['patience 0', falling, plateauSchedule({ factor: 0.5, patience: 0, threshold: 0.1 })],
  ])('%s', (name, scores, schedule) => {
    const at = { step: 0, totalSteps: 100, stepsPerEpoch: 1 };
    const seen = rates[name].map((_: number, epoch: number) => schedule({ ...at, scores: scores.slice(0, epoch) }));
    expect(seen).toEqual(rates[name].map((rate: number) => expect.closeTo(rate, 12)));
    expect(new Set(seen).size).toBeGreaterThan(2);
  });

  test('without scores it is an error, also behind a warm-up', () => {
    const at = { step: 20, totalSteps: 100, stepsPerEpoch: 10 };
    expect(() => linearWarmup({ epochs: 1 }, plateauSchedule())(at)).toThrow(/give validation data/);
    expect(linearWarmup({ epochs: 1 }, plateauSchedule())({ ...at, scores: [] })).toBe(1);
  });
});
