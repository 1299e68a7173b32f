import { describe, expect, test } from 'vitest';
import { MemoryDataset, split } from '../src/index.js';
import { allOf } from './all-of.js';

const dataset = new MemoryDataset({
  features: Uint8Array.from({ length: 10 }, (_, i) => i),
  shape: [1],
  labels: new Int32Array(10),
});

describe('split', () => {
  test('gives every example to exactly one part', () => {
    const { train, validation } = split(dataset, 0.3, 1);
    expect(validation.length).toBe(3);
    expect(train.length).toBe(7);
    const all = [...allOf(train).features, ...allOf(validation).features];
    expect(all.sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test('is the same for the same seed, on every machine, and another for another', () => {
    const validationOf = (seed: number) => allOf(split(dataset, 0.3, seed).validation).features;
    expect(validationOf(1)).toEqual(VALIDATION_OF_SEED_1);
    expect(validationOf(2)).not.toEqual(VALIDATION_OF_SEED_1);
  });

  test.each([0, 1, -0.5, 0.01, Number.NaN])('refuses a fraction of %d, which leaves a part empty', (fraction) => {
    expect(() => split(dataset, fraction, 1)).toThrow(
      `a fraction of ${fraction} of 10 examples leaves one part empty; give a fraction between 0 and 1`,
    );
  });
});

const VALIDATION_OF_SEED_1 = [4, 8, 3];
