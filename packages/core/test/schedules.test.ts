import { expect, test } from 'vitest';
import { constantSchedule, cosineSchedule, linearWarmup, type Schedule, stepSchedule } from '../src/index.js';

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
