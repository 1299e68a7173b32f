import type { Dataset } from '@bn/core';
import { describe, expect, test } from 'vitest';
import { MemoryDataset, subset } from '../src/index.js';
import { allOf } from './all-of.js';

const dataset = new MemoryDataset({
  features: Uint8Array.of(10, 11, 12, 13),
  shape: [1],
  labels: Int32Array.of(0, 1, 0, 1),
  classNames: ['even', 'odd'],
});

describe('subset', () => {
  test('takes the first examples', () => {
    expect(allOf(subset(dataset, 2))).toEqual({ features: [10, 11], labels: [0, 1] });
  });

  test('takes examples by their indices, in that order, repeated if asked', () => {
    const chosen = subset(dataset, [3, 0, 3]);
    expect(chosen.length).toBe(3);
    expect(allOf(chosen)).toEqual({ features: [13, 10, 13], labels: [1, 0, 1] });
    expect(chosen.get(1)).toEqual({ features: Uint8Array.of(10), label: 0 });
  });

  test('keeps specs and class names', () => {
    const { features, labels, classNames } = subset(dataset, 1);
    expect({ features, labels, classNames }).toEqual({
      features: dataset.features,
      labels: dataset.labels,
      classNames: ['even', 'odd'],
    });
  });

  test('works on a data set that has only a length and get', () => {
    const plain: Dataset = {
      length: 3,
      features: { shape: [2], dtype: 'float32' },
      get: (index) => ({ features: [index, 0.5], label: index }),
    };
    const chosen = subset(plain, [2, 1]);
    expect(chosen.get(0)).toEqual({ features: [2, 0.5], label: 2 });
    expect(chosen.fill).toBeUndefined();
    expect(chosen.labels).toBeUndefined();
  });

  test.each([0, 5, 1.5, -1])('refuses a count of %d', (count) => {
    expect(() => subset(dataset, count)).toThrow(`cannot take ${count} of 4 examples; give a count from 1 to 4`);
  });

  test('refuses indices that are none', () => {
    expect(() => subset(dataset, [0, 4])).toThrow('there is no example 4; indices go from 0 to 3');
    expect(() => subset(dataset, [])).toThrow('the subset is empty; give at least one index');
    expect(() => subset(dataset, 2).get(2)).toThrow('there is no example 2; indices go from 0 to 1');
    expect(() => subset(dataset, 2).fill?.([2], new Uint8Array(1), new Int32Array(1))).toThrow('there is no example 2');
  });
});
