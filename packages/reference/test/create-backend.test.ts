// What the reference backend does where backends may differ, and its own options.

import { type Backend, constant, createGraph, input, ops, type Tensor, type TypedArray } from '@bn/core';
import { describe, expect, test } from 'vitest';
import { createBackend, diagnose } from '../src/index.js';

/** The value of a tensor that depends on no input. */
async function evaluated(y: Tensor, backend?: Backend): Promise<TypedArray> {
  const on = backend ?? (await createBackend());
  const executable = await on.compile(createGraph({ y }));
  return on.download((await executable.run(new Map())).get('y')!);
}

describe('options', () => {
  test('the device is the CPU', async () => {
    expect((await createBackend({ device: 'cpu' })).device.kind).toBe('cpu');
    expect(await diagnose()).toMatchObject([{ device: 'cpu', available: true }]);
  });

  test('another device is refused', async () => {
    await expect(createBackend({ device: 'cuda' })).rejects.toMatchObject({ code: 'backend' });
  });

  test('precision 64 holds and computes float32 values in double precision', async () => {
    const third = ops.div(constant([1], [1]), 3);
    expect(await evaluated(third)).toEqual(Float32Array.of(1 / 3));
    expect(await evaluated(third, await createBackend({ precision: 64 }))).toEqual(Float64Array.of(1 / 3));
  });

  test('precision 64 takes and gives Float64Array', async () => {
    const backend = await createBackend({ precision: 64 });
    const value = backend.upload(Float64Array.of(Math.PI), { shape: [], dtype: 'float32' });
    expect(await backend.download(value)).toEqual(Float64Array.of(Math.PI));
  });
});

test('erf of NaN is NaN, of infinities 1 and −1', async () => {
  const y = ops.erf(constant(Float32Array.of(Number.NaN, Infinity, -Infinity), [3]));
  expect(await evaluated(y)).toEqual(Float32Array.of(Number.NaN, 1, -1));
});

describe('sums', () => {
  test('accumulate in double precision', async () => {
    // Float32 sums would stay at 2^24.
    const sum = ops.sum(constant(Float32Array.of(16777216, ...new Array<number>(1000).fill(1)), [1001]));
    expect(await evaluated(sum)).toEqual(Float32Array.of(16778216));
  });
});

describe('NaN', () => {
  const x = constant([1, Number.NaN, 3, Number.NaN], [4]);

  test('is the larger and the smaller of any two', async () => {
    expect(await evaluated(ops.maximum(x, 2))).toEqual(Float32Array.of(2, Number.NaN, 3, Number.NaN));
    expect(await evaluated(ops.minimum(x, 2))).toEqual(Float32Array.of(1, Number.NaN, 2, Number.NaN));
  });

  test('is the largest of many, and the first of them counts', async () => {
    expect(await evaluated(ops.max(x))).toEqual(Float32Array.of(Number.NaN));
    expect(await evaluated(ops.argmax(x))).toEqual(Int32Array.of(1));
  });

  test('wins a window of max pooling and takes its gradient', async () => {
    const image = ops.reshape(x, [1, 1, 2, 2]);
    const window = { kernelSize: [2, 2], stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1] } as const;
    expect(await evaluated(ops.maxPool2d(image, window))).toEqual(Float32Array.of(Number.NaN));
    const dx = ops.maxPool2dGradient(image, constant([5], [1, 1, 1, 1]), window);
    expect(await evaluated(dx)).toEqual(Float32Array.of(0, 5, 0, 0));
  });

  test('is 0 as an integer and true as a bool', async () => {
    expect(await evaluated(ops.cast(x, 'int32'))).toEqual(Int32Array.of(1, 0, 3, 0));
    expect(await evaluated(ops.cast(x, 'bool'))).toEqual(Uint8Array.of(1, 1, 1, 1));
  });
});

describe('integers', () => {
  test('wrap around', async () => {
    const large = constant([2147483647, 65537], [2], 'int32');
    expect(await evaluated(ops.add(large, 1))).toEqual(Int32Array.of(-2147483648, 65538));
    expect(await evaluated(ops.mul(large, large))).toEqual(Int32Array.of(1, 131073));
    expect(await evaluated(ops.cast(constant([-1, 300], [2]), 'uint8'))).toEqual(Uint8Array.of(255, 44));
  });

  test('an index out of range is an error that names it', async () => {
    const gathered = ops.gather(constant([1, 2], [2]), constant([0, 2], [2], 'int32'));
    await expect(evaluated(gathered)).rejects.toMatchObject({
      code: 'data',
      message: expect.stringContaining('2'),
    });
  });
});

test('a symbolic dimension is what the inputs say', async () => {
  const backend = await createBackend();
  const x = input('x', [null, 2]);
  const executable = await backend.compile(createGraph({ y: ops.broadcastTo(ops.sum(x), x.shape) }));
  for (const batch of [1, 3]) {
    const value = backend.upload(new Float32Array(batch * 2).fill(1), { shape: [batch, 2], dtype: 'float32' });
    const y = (await executable.run(new Map([['x', value]]))).get('y')!;
    expect(y.spec.shape).toEqual([batch, 2]);
    expect(await backend.download(y)).toEqual(new Float32Array(batch * 2).fill(batch * 2));
  }
});
