import type { Dataset } from '@bn/core';
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

  test('takes the same share of each class', () => {
    const labels = Int32Array.from([...Array(60).fill(0), ...Array(30).fill(1), ...Array(9).fill(2), 3]);
    const features = Uint8Array.from(labels.keys());
    const { train, validation } = split(new MemoryDataset({ features, shape: [1], labels }), 0.1, 7);
    const countOf = (part: Dataset) =>
      [0, 1, 2, 3].map((label) => allOf(part).labels.filter((l) => l === label).length);
    expect(countOf(validation)).toEqual([6, 3, 1, 0]);
    expect(countOf(train)).toEqual([54, 27, 8, 1]);
  });

  test('may go without classes, as it did up to version 0.1.0', () => {
    const labels = Int32Array.from({ length: 10 }, (_, i) => Number(i < 5));
    const features = Uint8Array.from(labels.keys());
    const { validation } = split(new MemoryDataset({ features, shape: [1], labels }), 0.3, 1, { byClass: false });
    expect(allOf(validation).features).toEqual(VALIDATION_OF_SEED_1);
  });

  test('leaves classes of one example in training as long as others have enough', () => {
    const labels = Int32Array.from({ length: 20 }, (_, i) => Math.max(0, i - 9));
    const { validation } = split(new MemoryDataset({ features: new Uint8Array(20), shape: [1], labels }), 0.4, 3);
    expect(allOf(validation).labels).toEqual(Array(8).fill(0));
    const single = Int32Array.from({ length: 10 }, (_, i) => i);
    const all = new MemoryDataset({ features: new Uint8Array(10), shape: [1], labels: single });
    expect(split(all, 0.3, 3).validation.length).toBe(3);
  });

  test.each([0, 1, -0.5, 0.01, Number.NaN])('refuses a fraction of %d, which leaves a part empty', (fraction) => {
    expect(() => split(dataset, fraction, 1)).toThrow(
      `a fraction of ${fraction} of 10 examples leaves one part empty; give a fraction between 0 and 1`,
    );
  });
});

const VALIDATION_OF_SEED_1 = [4, 8, 3];
