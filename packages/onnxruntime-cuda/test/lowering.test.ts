// Lowering rules that depend on sizes, run and compared with the reference backend: the conformance suite is not written
// for them and meets few.

import { createGraph, input, ops, sizeOf, type Tensor, type TypedArray } from '@bn/core';
import { type ToOnnxOptions, toOnnx } from '@bn/onnx';
import { createBackend as createReference } from '@bn/reference';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';

const reference = await createReference();

/** Integers from −8 to 8: sums are exact, largest values tie. */
function integers(size: number): Float32Array {
  let state = size;
  return Float32Array.from({ length: size }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state % 17) - 8;
  });
}

async function expectSame(y: Tensor, options: ToOnnxOptions = {}): Promise<void> {
  const graph = createGraph({ y });
  const data = new Map([...graph.inputs].map(([name, { shape }]) => [name, integers(sizeOf(shape))]));
  const held = [...graph.inputs].map(([name, spec]) => [name, reference.upload(data.get(name)!, spec)] as const);
  const expected = (await (await reference.compile(graph)).run(new Map(held))).get('y')!;

  const session = await InferenceSession.create(toOnnx(graph, options), { logSeverityLevel: 4 });
  const feeds = [...graph.inputs].map(([name, { shape }]) => [name, new OrtTensor(data.get(name)!, shape as number[])]);
  const actual = (await session.run(Object.fromEntries(feeds))).y!;
  await session.release();
  expect(actual.dims).toEqual(expected.spec.shape);
  expectClose(actual.data as TypedArray, await reference.download(expected));
}

function expectClose(actual: TypedArray, expected: TypedArray): void {
  const largest = Array.from(expected).reduce((most, v) => Math.max(most, Number.isFinite(v) ? Math.abs(v) : 0), 1);
  for (let i = 0; i < expected.length; i++) {
    if (Object.is(actual[i]! + 0, expected[i]! + 0)) continue;
    expect(Math.abs(actual[i]! - expected[i]!), `element ${i}: ${actual[i]} ${expected[i]}`).toBeLessThan(
      1e-6 * largest,
    );
  }
}

const dense = [1, 1] as const;
const bare = [0, 0, 0, 0] as const;
const geometries = [
  { name: 'plain', size: [7, 6], kernelSize: [3, 2], stride: dense, padding: bare, dilation: dense },
  { name: 'even outputs', size: [8, 7], kernelSize: [3, 2], stride: dense, padding: bare, dilation: dense },
  { name: 'even rows', size: [8, 8], kernelSize: [3, 2], stride: [2, 1], padding: [1, 0, 2, 1], dilation: dense },
  {
    name: 'strides that leave a rest',
    size: [7, 6],
    kernelSize: [3, 2],
    stride: [2, 3],
    padding: [1, 0, 2, 1],
    dilation: dense,
  },
  { name: 'dilation', size: [9, 8], kernelSize: [3, 2], stride: [2, 1], padding: [1, 1, 0, 2], dilation: [2, 3] },
  { name: 'tiles', size: [8, 6], kernelSize: [2, 2], stride: [2, 2], padding: bare, dilation: dense },
  { name: 'tiles that leave a rest', size: [9, 7], kernelSize: [2, 3], stride: [2, 3], padding: bare, dilation: dense },
  { name: 'gaps', size: [5, 5], kernelSize: [2, 2], stride: [3, 3], padding: bare, dilation: dense },
  {
    name: 'padding as large as the kernel',
    size: [5, 5],
    kernelSize: [2, 2],
    stride: dense,
    padding: [2, 3, 2, 3],
    dilation: dense,
  },
  { name: 'single taps', size: [5, 5], kernelSize: [1, 1], stride: dense, padding: bare, dilation: dense },
] as const;

const channelCounts = [
  { name: 'few channels', channels: 3, out: 5, groups: 1 },
  { name: 'more than few channels', channels: 2, out: 18, groups: 1 },
  { name: 'wide', channels: 16, out: 32, groups: 1 },
  { name: 'groups', channels: 6, out: 4, groups: 2 },
  { name: 'depthwise', channels: 3, out: 3, groups: 3 },
  { name: 'several outputs of one channel', channels: 3, out: 6, groups: 3 },
  { name: 'a multiple of 3 channels', channels: 6, out: 8, groups: 1 },
] as const;

describe.each(channelCounts)('convolution, $name', ({ channels, out, groups }) => {
  test.each(geometries)('$name', async ({ size, kernelSize, stride, padding, dilation }) => {
    const geometry = { stride, padding, dilation, groups };
    const x = input('x', [2, channels, ...size]);
    const filter = input('filter', [out, channels / groups, ...kernelSize]);
    const y = ops.conv2d(x, filter, geometry);
    const dy = input('dy', y.shape);
    const dx = ops.conv2dInputGradient(dy, filter, { ...geometry, inputSize: size });
    for (const provider of [undefined, 'webgpu'] as const) {
      const options = provider ? { provider } : {};
      await expectSame(y, options);
      await expectSame(dx, options);
    }
    await expectSame(ops.add(ops.reshape(input('bias', [out]), [out, 1, 1]), y));
    await expectSame(ops.conv2dFilterGradient(x, dy, { ...geometry, kernelSize }));
  });
});

describe.each(geometries)('pooling, $name', ({ size, kernelSize, stride, padding, dilation }) => {
  const geometry = { kernelSize, stride, padding, dilation };
  const x = input('x', [2, 3, ...size]);
  const y = ops.maxPool2d(x, geometry);
  const dy = input('dy', y.shape);

  test('largest', async () => {
    await expectSame(y);
    await expectSame(ops.maxPool2dGradient(x, dy, geometry));
  });

  test.each([true, false])('mean, padding counts: %s', async (countIncludesPadding) => {
    const average = { ...geometry, countIncludesPadding };
    await expectSame(ops.avgPool2d(x, average));
    await expectSame(ops.avgPool2dGradient(dy, { ...average, inputSize: size }));
  });
});

const flags = [false, true].flatMap((transposeA) => [false, true].map((transposeB) => ({ transposeA, transposeB })));

describe.each(flags)('matrix product, $transposeA $transposeB', (transposes) => {
  const a = transposes.transposeA ? [3, 2] : [2, 3];
  const b = transposes.transposeB ? [4, 3] : [3, 4];

  test.each([[[4]], [[2, 1]], [[1, 4]], [[]], [[5, 2, 4]]])('with a bias %j', async (shape) => {
    await expectSame(ops.add(input('c', shape), ops.matmul(input('a', a), input('b', b), transposes)));
  });

  test('of stacks, and of a stack and a matrix', async () => {
    await expectSame(ops.matmul(input('a', [5, 2, ...a]), input('b', [2, ...b]), transposes));
    await expectSame(ops.matmul(input('a', [5, 2, ...a]), input('b', b), transposes));
    await expectSame(ops.matmul(input('a', a), input('b', [5, ...b]), transposes));
  });
});

test('pending broadcasts reach operations that do not broadcast', async () => {
  const row = ops.broadcastTo(input('row', [1, 3]), [2, 3]);
  await expectSame(ops.sum(ops.mul(row, 2)));
  await expectSame(ops.concat([ops.relu(row), input('x', [1, 3])], 0));
  await expectSame(ops.matmul(ops.fill([4, 2], 2), row));
});

test('a size of 0 in a new shape is a size, and no reference to the old one', async () => {
  await expectSame(ops.reshape(input('x', [0, 3]), [3, 0]));
});
