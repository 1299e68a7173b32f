// Pixels to the features of models of several forms.

import type { DType } from '@bn/core';
import { expect, it } from 'vitest';
import { imageInput } from '../src/model/image-input.js';

const inputOf = (shape: readonly number[], dtype: DType = 'uint8') =>
  imageInput({ name: 'model', input: { name: 'x', spec: { shape: [null, ...shape], dtype } } });

it.each([
  [[1, 5, 6], { channels: 1, height: 5, width: 6 }],
  [[3, 5, 6], { channels: 3, height: 5, width: 6 }],
  [[5, 6, 1], { channels: 1, height: 5, width: 6 }],
  [[5, 6, 3], { channels: 3, height: 5, width: 6 }],
  [[5, 6], { channels: 1, height: 5, width: 6 }],
])('%j is an image', (shape, expected) => {
  expect(inputOf(shape)).toMatchObject(expected);
});

it.each([[[5]], [[2, 5, 6]], [[5, 6, 4]], [[1, 3, 5, 6]]])('%j is none', (shape) => {
  expect(() => inputOf(shape)).toThrow('which is not a grey or RGB image; give a model that takes images');
});

it('colours stand as the model has them: by channel, or by pixel', () => {
  // Two images of 2 × 2: all red, all green, all blue values.
  const planes = Uint8Array.of(1, 2, 3, 4, 11, 12, 13, 14, 21, 22, 23, 24, 5, 6, 7, 8, 15, 16, 17, 18, 25, 26, 27, 28);
  expect(inputOf([3, 2, 2]).features(planes)).toEqual(planes);
  expect([...inputOf([2, 2, 3]).features(planes)]).toEqual([
    ...[1, 11, 21, 2, 12, 22, 3, 13, 23, 4, 14, 24],
    ...[5, 15, 25, 6, 16, 26, 7, 17, 27, 8, 18, 28],
  ]);
});

it('pixels are divided by 255 for a model of numbers', () => {
  expect(inputOf([1, 1, 3], 'float32').features(Uint8Array.of(0, 51, 255))).toEqual(Float32Array.of(0, 0.2, 1));
});
