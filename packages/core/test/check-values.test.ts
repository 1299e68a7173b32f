import { expect, test } from 'vitest';
import { checkUpload, type TypedArray } from '../src/index.js';

test('uploads take arrays by what they are, not by what they are called', () => {
  const spec = { shape: [2], dtype: 'uint8' } as const;
  class Pixels extends Uint8Array {}
  for (const data of [Uint8Array.of(1, 2), Buffer.from([1, 2]), Pixels.of(1, 2)]) checkUpload(data, spec);
  const clamped = Uint8ClampedArray.of(1, 2) as unknown as TypedArray;
  for (const data of [Int32Array.of(1, 2), clamped]) {
    expect(() => checkUpload(data, spec)).toThrow(/uint8 \[2\] cannot be made from (Int32Array|Uint8ClampedArray)/);
  }
  expect(() => checkUpload(Float64Array.of(1, 2), { shape: [2], dtype: 'int32' })).toThrow(/Float64Array/);
});
