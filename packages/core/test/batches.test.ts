// What is checked of a data set's numbers on their way into a batch.

import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { assembleBatch, type Dataset, type Example, type Spec } from '../src/index.js';

const uint8: Spec = { shape: [2], dtype: 'uint8' };
const float32: Spec = { shape: [2], dtype: 'float32' };

/** A data set of which example 1 is given, others are zeros. */
function dataset(example: Partial<Example>, outline: Partial<Dataset> = {}): Dataset {
  const zeros = { features: [0, 0], label: outline.labels?.shape.length ? [0] : 0 };
  return { length: 3, features: uint8, ...outline, get: (i) => ({ ...zeros, ...(i === 1 && example) }) };
}

describe('assembleBatch refuses, naming the example,', () => {
  test.each<[string, Partial<Example>, Partial<Dataset>, string]>([
    [
      'a pixel above 255',
      { features: [0, 300] },
      {},
      'has the feature 300, expected a whole number from 0 to 255; correct the example, or the dtype of the features (uint8)',
    ],
    [
      'a negative pixel',
      { features: Int32Array.of(-1, 0) },
      {},
      'has the feature -1, expected a whole number from 0 to 255',
    ],
    ['a fraction of a pixel', { features: [0.5, 0] }, {}, 'has the feature 0.5, expected a whole number from 0 to 255'],
    ['NaN', { features: [0, Number.NaN] }, { features: float32 }, 'has the feature NaN, expected a finite number'],
    [
      'infinity',
      { features: Float32Array.of(-1 / 0, 0) },
      { features: float32 },
      'has the feature -Infinity, expected a finite',
    ],
    [
      'a number beyond float32',
      { features: [1e39, 0] },
      { features: float32 },
      'has the feature 1e+39, expected a finite',
    ],
    ['nothing', { features: [undefined as never, 0] }, {}, 'has the feature undefined, expected a whole number'],
    [
      'a label that is a fraction',
      { label: 0.5 },
      {},
      'has the label 0.5, expected a whole number from 0 to 9999; correct the label',
    ],
    ['a negative label', { label: -1 }, {}, 'has the label -1, expected a whole number from 0 to 9999'],
    [
      'a label without a name',
      { label: 2 },
      { classNames: ['a', 'b'] },
      'has the label 2, expected a whole number from 0 to 1; correct the label or the class names',
    ],
    ['a label that is text', { label: '1' as never }, {}, 'has the label 1, expected a whole number'],
    [
      'a value that is no number',
      { label: [Number.NaN] },
      { labels: { shape: [1], dtype: 'float32' } },
      'has the label NaN, expected a finite number',
    ],
    [
      'a label of several above 1',
      { label: [2] },
      { labels: { shape: [1], dtype: 'float32' }, classNames: ['a'] },
      'has the label 2, expected a number from 0 to 1',
    ],
  ])('%s', (_, example, outline, message) => {
    expect(() => assembleBatch(dataset(example, outline), [2, 1])).toThrow(`example 1 ${message}`);
  });

  test('a label that fill() writes', () => {
    const filled = (features: readonly number[], label: number): Dataset => ({
      ...dataset({}, { features: float32, classNames: ['a', 'b'] }),
      fill: (_, into, labels) => {
        into.set(features, 2);
        labels.set([label], 1);
      },
    });
    expect(() => assembleBatch(filled([0, 0], 2), [0, 1])).toThrow('example 1 has the label 2, expected');
    expect(assembleBatch(filled([3, 4], 1), [0, 1])).toEqual({
      features: Float32Array.of(0, 0, 3, 4),
      labels: Int32Array.of(0, 1),
    });
  });
});

test('assembleBatch takes arrays of any class and realm', () => {
  const foreign: Uint8Array = runInNewContext('Uint8Array.of(7, 255)');
  for (const features of [
    [7, 255],
    Buffer.from([7, 255]),
    foreign,
    Float64Array.of(7, 255),
    Uint8ClampedArray.of(7, 255),
  ]) {
    expect([...assembleBatch(dataset({ features }), [1]).features]).toEqual([7, 255]);
  }
});
