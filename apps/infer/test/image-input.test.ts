// Pixels to the features of models of several forms.

import type { DType, ImageSignature } from '@bn/core';
import { expect, it } from 'vitest';
import { imageInput } from '../src/model/image-input.js';

const inputOf = (image: Partial<ImageSignature>, dtype: DType = 'uint8') => {
  const whole = { channels: 1, height: 2, width: 2, order: 'CHW', range: [0, 255], mean: [], deviation: [] } as const;
  return imageInput('model', { input: { name: 'x', dtype, shape: [1, 2, 2], image: { ...whole, ...image } } });
};

it('what is no image is refused', () => {
  expect(() => imageInput('model', { input: { name: 'x', dtype: 'uint8', shape: [5], image: null } })).toThrow(
    'model: the model takes uint8 [batch, 5], which is not a grey or RGB image; give a model that takes images',
  );
});

it('colours stand as the model has them: by channel, or by pixel', () => {
  // Two images of 2 × 2: all red, all green, all blue values.
  const planes = Uint8Array.of(1, 2, 3, 4, 11, 12, 13, 14, 21, 22, 23, 24, 5, 6, 7, 8, 15, 16, 17, 18, 25, 26, 27, 28);
  expect(inputOf({ channels: 3 }).features(planes)).toEqual(planes);
  expect([...inputOf({ channels: 3, order: 'HWC' }).features(planes)]).toEqual([
    ...[1, 11, 21, 2, 12, 22, 3, 13, 23, 4, 14, 24],
    ...[5, 15, 25, 6, 16, 26, 7, 17, 27, 8, 18, 28],
  ]);
});

it.each<[Partial<ImageSignature>, readonly number[]]>([
  [{ range: [0, 1] }, [0, 0.2, 0.4, 1]],
  [{ range: [0, 255] }, [0, 51, 102, 255]],
  [{ range: [-1, 1] }, [-1, -0.6, -0.2, 1]],
  [{ range: [0, 1], mean: [0.5], deviation: [0.25] }, [-2, -1.2, -0.4, 2]],
])('pixels are brought to the range of a model of numbers: %j', (image, expected) => {
  const features = inputOf(image, 'float32').features(Uint8Array.of(0, 51, 102, 255));
  expect(Array.from(features)).toEqual(expected.map((value) => expect.closeTo(value, 6)));
});

it('each colour has its mean and deviation, where channels are last too', () => {
  const image = { channels: 3, height: 1, width: 2, range: [0, 1], mean: [0, 0.2, 0.4], deviation: [1, 2, 4] } as const;
  const planes = Uint8Array.of(51, 255, 51, 255, 102, 255);
  const last = inputOf({ ...image, order: 'HWC' }, 'float32').features(planes);
  expect(Array.from(last)).toEqual([0.2, 0, 0, 1, 0.4, 0.15].map((value) => expect.closeTo(value, 6)));
});
