import { describe, expect, test } from 'vitest';
import { MemoryDataset } from '../src/index.js';

const dataset = new MemoryDataset({
  features: Uint8Array.of(1, 2, 3, 4, 5, 6),
  shape: [1, 1, 2],
  labels: Int32Array.of(2, 0, 1),
  classNames: ['a', 'b', 'c'],
});

describe('MemoryDataset', () => {
  test('describes its examples', () => {
    expect(dataset.length).toBe(3);
    expect(dataset.features).toEqual({ shape: [1, 1, 2], dtype: 'uint8' });
    expect(dataset.labels).toEqual({ shape: [], dtype: 'int32' });
    expect(dataset.classNames).toEqual(['a', 'b', 'c']);
  });

  test('gets one example', () => {
    expect(dataset.get(1)).toEqual({ features: Uint8Array.of(3, 4), label: 0 });
  });

  test('fills arrays in the order of the indices', () => {
    const features = new Uint8Array(6);
    const labels = new Int32Array(3);
    dataset.fill([2, 0, 2], features, labels);
    expect([...features]).toEqual([5, 6, 1, 2, 5, 6]);
    expect([...labels]).toEqual([1, 2, 1]);
  });

  test.each([-1, 3, 0.5, Number.NaN])('has no example %d', (index) => {
    expect(() => dataset.get(index)).toThrow(`there is no example ${index}; indices go from 0 to 2`);
    expect(() => dataset.fill([index], new Uint8Array(2), new Int32Array(1))).toThrow(`there is no example ${index}`);
  });

  test('refuses features that are not as many examples as there are labels', () => {
    const parts = { features: new Uint8Array(5), shape: [1, 1, 2], labels: new Int32Array(3) };
    expect(() => new MemoryDataset(parts)).toThrow('5 feature values are not 3 examples of shape [1, 1, 2]; give');
  });

  test('refuses labels that are no class', () => {
    const parts = { features: new Uint8Array(2), shape: [1], labels: Int32Array.of(0, 2) };
    expect(() => new MemoryDataset({ ...parts, classNames: ['a', 'b'] })).toThrow(
      'example 1 has the label 2, expected a whole number from 0 to 1; correct the label or the class names',
    );
    expect(() => new MemoryDataset({ ...parts, labels: Int32Array.of(-1, 0) })).toThrow(
      'example 0 has the label -1, expected a whole number from 0 to 9999; correct the label',
    );
  });

  test('holds float32 features, and several values per example', () => {
    const parts = { features: Float32Array.of(0.5, -1, 2, 3), shape: [2], labels: Float32Array.of(1, 2, 3, 4, 5, 6) };
    const values = new MemoryDataset({ ...parts, valueNames: ['a', 'b', 'c'] });
    expect(values.features).toEqual({ shape: [2], dtype: 'float32' });
    expect(values.labels).toEqual({ shape: [3], dtype: 'float32' });
    expect(values.valueNames).toEqual(['a', 'b', 'c']);
    expect(values.get(1)).toEqual({ features: Float32Array.of(2, 3), label: Float32Array.of(4, 5, 6) });
    const labels = new Float32Array(6);
    values.fill([1, 0], new Float32Array(4), labels);
    expect([...labels]).toEqual([4, 5, 6, 1, 2, 3]);
    const single = new MemoryDataset({ ...parts, labels: Float32Array.of(7, 8) });
    expect(single.labels).toEqual({ shape: [1], dtype: 'float32' });
    expect(single.get(1).label).toEqual(Float32Array.of(8));
  });

  test('refuses numbers that are not finite, labels that are neither 0 nor 1, and rows that are cut off', () => {
    const parts = { features: Float32Array.of(0, 1), shape: [1], labels: Float32Array.of(0, 1, 1, 0) };
    expect(() => new MemoryDataset({ ...parts, features: Float32Array.of(0, Number.NaN) })).toThrow(
      'example 1 has the feature NaN, expected a finite number',
    );
    expect(() => new MemoryDataset({ ...parts, labels: Float32Array.of(0, Number.POSITIVE_INFINITY) })).toThrow(
      'example 1 has the label Infinity, expected a finite number; correct the label',
    );
    expect(() => new MemoryDataset({ ...parts, classNames: ['a', 'b'], labels: Float32Array.of(0, 1, 2, 0) })).toThrow(
      'example 1 has the label 2, expected a number from 0 to 1; correct the label or the class names',
    );
    expect(() => new MemoryDataset({ ...parts, labels: new Float32Array(3) })).toThrow(
      'give as many labels as examples',
    );
  });
});
