// A network of one example as one of many: each operation gives for three examples at once what it gives for each alone.

import { constant, createGraph, input, ops, sizeOf, type Tensor } from '@bn/core';
import { createBackend } from '@bn/reference';
import { expect, test } from 'vitest';
import { byExample } from '../src/import/by-example.js';

const numbers = (...shape: number[]) =>
  constant(
    Float32Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(i * i + 1)),
    shape,
  );
const ints = (...data: number[]) => constant(data, [data.length], 'int32');
const geometry = { stride: [1, 1], padding: [1, 0, 0, 1], dilation: [1, 1], groups: 1 } as const;
const pooling = { stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1], kernelSize: [2, 2] } as const;

/** Of an image [1, 2, 4, 6]; the result is of one example when it is flattened. */
const networks: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  'elementwise, with an operand of fewer axes from the same example': (x) =>
    ops.mul(ops.exp(x), ops.reshape(ops.slice(x, [0, 0, 0, 0], [1, 1, 1, 6]), [6])),
  'elementwise, with constants': (x) => ops.where(ops.less(numbers(4, 6), x), numbers(2, 1, 1), ops.relu(x)),
  cast: (x) => ops.cast(ops.cast(ops.mul(x, 5), 'int32'), 'float32'),
  'sum and max': (x) => ops.sub(ops.sum(x, [1, 3]), ops.max(x, [0, 1, 3])),
  argmax: (x) => ops.cast(ops.argmax(x, 3), 'float32'),
  softmax: (x) => ops.softmax(ops.reshape(x, [8, 6]), 0),
  logSoftmax: (x) => ops.logSoftmax(x, 2),
  batchNormalize: (x) => ops.batchNormalize(x, numbers(2), ops.exp(numbers(2)), numbers(2), numbers(2)),
  'what joins the batch with other axes': (x) =>
    ops.transpose(ops.reshape(ops.transpose(x, [2, 0, 1, 3]), [4, 2, 6]), [1, 2, 0]),
  broadcastTo: (x) => ops.broadcastTo(ops.reshape(x, [8, 1, 6]), [2, 8, 3, 6]),
  'pad and slice': (x) => ops.slice(ops.pad(x, [0, 1, 0, 2], [2, 0, 0, 1], 7), [0, 0, 1, 0], [2, 3, 4, 5]),
  'concat with a constant': (x) => ops.concat([numbers(1, 1, 4, 6), x], 1),
  gather: (x) => ops.gather(x, ints(3, 0, 0), 2),
  'gather by indices of the example': (x) => ops.gather(numbers(6, 5), ops.argmax(x, 3), 0),
  matmul: (x) => ops.matmul(x, ops.reshape(x, [2, 6, 4]), {}),
  'matmul, a constant from the left': (x) => ops.matmul(numbers(3, 6), x, { transposeB: true }),
  'matmul, a constant from the right': (x) => ops.matmul(ops.reshape(x, [8, 6]), numbers(6, 3)),
  'matmul, of one row': (x) => ops.matmul(ops.reshape(x, [1, 48]), numbers(3, 48), { transposeB: true }),
  conv2d: (x) => ops.conv2d(x, numbers(3, 2, 2, 3), geometry),
  conv2dInputGradient: (x) =>
    ops.conv2dInputGradient(x, numbers(2, 3, 2, 2), { ...geometry, padding: [0, 0, 0, 0], inputSize: [5, 7] }),
  maxPool2d: (x) => ops.maxPool2d(x, pooling),
  avgPool2d: (x) => ops.avgPool2d(x, { ...pooling, countIncludesPadding: true }),
};

test.each(Object.entries(networks))('%s', async (_, network) => {
  const flat = (x: Tensor) => {
    const y = network(x);
    return ops.reshape(y, [1, sizeOf(y.shape as number[])]);
  };
  const data = Float32Array.from({ length: 3 * 48 }, (_, i) => Math.cos(i * i));
  const backend = await createBackend();
  const valuesOf = async (y: Tensor, features: Float32Array) => {
    const executable = await backend.compile(createGraph({ y }));
    const fed = backend.upload(features, { shape: [features.length / 48, 2, 4, 6], dtype: 'float32' });
    return [...(await backend.download((await executable.run(new Map([['x', fed]]))).get('y')!))];
  };
  const alone: number[] = [];
  for (let i = 0; i < 3; i++) {
    alone.push(...(await valuesOf(flat(input('x', [1, 2, 4, 6])), data.subarray(48 * i, 48 * (i + 1)))));
  }
  for (const batch of [null, 3]) {
    const together = await valuesOf(byExample(flat, input('x', [batch, 2, 4, 6])), data);
    expect(together.length).toBe(alone.length);
    for (const [i, value] of together.entries()) expect(value).toBeCloseTo(alone[i]!, 5);
  }
  await backend.dispose();
});

test('what would mix examples, or is of several images of each, is refused', () => {
  const x = input('x', [null, 2, 4, 6]);
  const images = (one: Tensor) => ops.conv2d(ops.reshape(one, [2, 1, 4, 6]), numbers(1, 1, 2, 2), geometry);
  expect(() => byExample(images, x)).toThrow('conv2d of examples one by one');
  expect(() => byExample((one) => ops.reshape(one, [2, 24]), x)).toThrow('its result is not one of each example');
  expect(() => byExample(() => numbers(1, 3), x)).toThrow('its result is not one of each example');
});
