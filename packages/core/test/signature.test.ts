// What a model takes and gives, as text and back.

import { expect, test } from 'vitest';
import { decodeSignature, describeSignature, imageNet, pixelScaling, type Signature } from '../src/index.js';

const image = { channels: 3, height: 64, width: 48, order: 'CHW', range: [0, 1], mean: [], deviation: [] } as const;
const signature: Signature = {
  input: { name: 'x', dtype: 'float32', shape: [3, 64, 48], image },
  output: { name: 'prob', kind: 'probabilities', size: 2, names: ['cat', 'dog'] },
};

test('a line tells what a model takes and gives', () => {
  expect(describeSignature(signature)).toBe(
    "takes 48×64 RGB, pixels 0..1; gives probabilities of 2 classes (output 'prob')",
  );
  const values: Signature = {
    input: { name: 'x', dtype: 'float32', shape: [4], image: null },
    output: { name: 'y', kind: 'values', size: 1, names: ['weight'] },
  };
  expect(describeSignature(values)).toBe("takes float32 [4]; gives 1 value (weight) (output 'y')");
});

test('pixels are scaled by range, mean and deviation', () => {
  const { scale, offset } = pixelScaling({ ...image, ...imageNet });
  expect(scale[0]! * 255 + offset[0]!).toBeCloseTo((1 - 0.485) / 0.229, 12);
  expect(offset[2]).toBeCloseTo(-0.406 / 0.225, 12);
  const symmetric = pixelScaling({ ...image, channels: 1, range: [-1, 1] });
  expect(symmetric.offset).toEqual([-1]);
  expect(symmetric.scale[0]! * 255).toBeCloseTo(2, 12);
});

test('text holds all of it, and damaged text is refused', () => {
  expect(decodeSignature(JSON.stringify(signature))).toEqual(signature);
  const { input, output } = signature;
  for (const wrong of [
    null,
    { input },
    { input, output: { ...output, names: ['cat'] } },
    { input, output: { ...output, kind: 'logit' } },
    { input: { ...input, image: { ...image, deviation: [1, 0, 1] } }, output },
    { input: { ...input, shape: [0] }, output },
  ]) {
    expect(() => decodeSignature(JSON.stringify(wrong))).toThrow(/the signature in the metadata is damaged/);
  }
});
