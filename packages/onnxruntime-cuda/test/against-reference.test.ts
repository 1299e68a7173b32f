// Every primitive against the reference backend.

import {
  type Backend,
  createGraph,
  type DType,
  fused,
  input,
  ops,
  primitives,
  sizeOf,
  type Tensor,
  type TypedArray,
} from '@bn/core';
import { createBackend as createReference } from '@bn/reference';
import { afterAll, describe, expect, test } from 'vitest';
import { createBackend } from '../src/index.js';

const backend = await createBackend({ device: 'cpu', threads: 2 });
const reference = await createReference();
afterAll(() => backend.dispose());

let seed = 1;
function random(): number {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed / 2 ** 32;
}
function values(dtype: DType, size: number, low = -2, high = 2): TypedArray {
  const list = Array.from({ length: size }, () => low + (high - low) * random());
  if (dtype === 'float32') return Float32Array.from(list);
  if (dtype === 'int32') return Int32Array.from(list, (v) => Math.round(v * 3));
  return Uint8Array.from(list, (v) => (dtype === 'bool' ? (v > 0 ? 1 : 0) : Math.abs(Math.round(v * 60))));
}

async function results(
  on: Backend,
  y: Tensor,
  data: Map<string, TypedArray>,
  batch: number,
): Promise<{ data: TypedArray; shape: unknown }> {
  const graph = createGraph({ y });
  const executable = await on.compile(graph);
  const feeds = new Map(
    [...graph.inputs].map(([name, x]) => {
      const shape = x.shape.map((n) => n ?? batch);
      if (!data.has(name)) data.set(name, values(x.dtype, sizeOf(shape)));
      return [name, on.upload(data.get(name)!, { dtype: x.dtype, shape })];
    }),
  );
  const value = (await executable.run(feeds)).get('y')!;
  const result = { data: await on.download(value), shape: value.spec };
  for (const v of [value, ...feeds.values()]) on.release(v);
  await executable.dispose();
  return result;
}

async function expectSame(y: Tensor, given: Record<string, TypedArray> = {}, batch = 3): Promise<void> {
  const data = new Map(Object.entries(given));
  const a = await results(reference, y, data, batch);
  const b = await results(backend, y, data, batch);
  expect(b.shape).toEqual(a.shape);
  expect(b.data.constructor).toBe(a.data.constructor);
  const large = a.data.reduce((m, v) => Math.max(m, Number.isFinite(v) ? Math.abs(v) : 0), 1);
  for (let i = 0; i < a.data.length; i++) {
    if (Object.is(a.data[i], b.data[i])) continue;
    expect(Math.abs(a.data[i]! - b.data[i]!), `element ${i}: ${a.data[i]} ${b.data[i]}`).toBeLessThanOrEqual(
      2e-6 * large,
    );
  }
}

const x = (shape: (number | null)[], dtype: DType = 'float32', name = 'x') => input(name, shape, dtype);
const cases: Record<string, () => Promise<void>> = {};
const add = (name: string, y: () => Tensor, given?: Record<string, TypedArray>, batch?: number) => {
  cases[name] = () => expectSame(y(), given, batch);
};

for (const op of ['add', 'sub', 'mul', 'div', 'maximum', 'minimum'] as const) {
  for (const dtype of ['float32', 'int32'] as const) {
    if (op === 'div' && dtype === 'int32') continue;
    add(`${op} ${dtype}`, () => ops[op](x([2, 3, 4], dtype), x([3, 1], dtype, 'b')));
    add(`${op} ${dtype} batch`, () => ops[op](x([null, 3, 4], dtype), x([3, 1], dtype, 'b')));
    add(`${op} ${dtype} scalar`, () => ops[op](x([2, 3], dtype), 3));
    add(`${op} ${dtype} rank 0`, () => ops[op](x([], dtype), x([], dtype, 'b')));
  }
}
for (const op of ['neg', 'exp', 'sqrt', 'log', 'tanh', 'sigmoid', 'erf', 'relu'] as const) {
  const given = { x: values('float32', 12, op === 'sqrt' || op === 'log' ? 0.1 : -5, 5) };
  add(op, () => ops[op](x([3, 4])), given);
}
add('neg int32', () => ops.neg(x([3, 4], 'int32')));
for (const dtype of ['float32', 'int32', 'uint8', 'bool'] as const) {
  const given = { x: values(dtype, 12, -1, 1), b: values(dtype, 4, -1, 1) };
  if (dtype !== 'float32') given.b.set(given.x.subarray(0, 4));
  add(`equal ${dtype}`, () => ops.equal(x([3, 4], dtype), x([4], dtype, 'b')), given);
  add(`less ${dtype}`, () => ops.less(x([3, 4], dtype), x([4], dtype, 'b')), given);
  add(`where ${dtype}`, () => ops.where(x([3, 1], 'bool', 'c'), x([3, 4], dtype), x([4], dtype, 'b')));
  add(`concat ${dtype}`, () => ops.concat([x([3, 4], dtype), x([3, 1], dtype, 'b')], 1));
  add(`gather ${dtype}`, () => ops.gather(x([3, 4], dtype), x([2, 2], 'int32', 'i'), 1), {
    i: Int32Array.of(3, 0, 1, 1),
  });
  add(`transpose ${dtype}`, () => ops.transpose(x([3, 4, 2], dtype), [2, 0, 1]));
  add(`pad ${dtype}`, () => ops.pad(x([3, 4], dtype), [1, 0], [0, 2], 1));
  add(`slice ${dtype}`, () => ops.slice(x([3, 4], dtype), [1, 0], [3, 3]));
  add(`reshape ${dtype}`, () => ops.reshape(x([3, 4], dtype), [2, 6]));
  add(`broadcastTo ${dtype}`, () => ops.broadcastTo(x([3, 1], dtype), [2, 3, 4]));
  for (const to of ['float32', 'int32', 'uint8', 'bool'] as const) {
    add(
      `cast ${dtype} to ${to}`,
      () => ops.cast(x([7], dtype), to),
      dtype === 'float32' ? { x: Float32Array.of(0, 0.5, 1, 1.9, 2.5, 200.7, 3) } : {},
    );
  }
}
add('cast negative float', () => ops.cast(x([4]), 'int32'), { x: Float32Array.of(-0.5, -1.9, -2.5, 100000) });
add('cast float to bool', () => ops.cast(x([4]), 'bool'), { x: Float32Array.of(-0.5, 0, 0.1, -0) });
for (const [axes, keepDims] of [
  [[0], false],
  [[1], true],
  [[0, 2], false],
  [undefined, false],
  [[], false],
  [[0, 1, 2], true],
] as const) {
  for (const dtype of ['float32', 'int32'] as const) {
    add(`sum ${dtype} [${axes}] ${keepDims}`, () => ops.sum(x([2, 3, 4], dtype), axes, { keepDims }));
    add(`max ${dtype} [${axes}] ${keepDims}`, () => ops.max(x([2, 3, 4], dtype), axes, { keepDims }));
  }
}
add('sum of a broadcast', () => ops.sum(ops.broadcastTo(x([3, 1]), [2, 3, 4]), [0, 2]));
add('sum batch', () => ops.sum(x([null, 3, 2, 2]), [2, 3]));
add('argmax', () => ops.argmax(x([2, 3, 4]), 1));
add('argmax ties', () => ops.argmax(x([2, 3]), 1), { x: Float32Array.of(1, 1, 0, 0, 2, 2) });
add('argmax int32', () => ops.argmax(x([2, 3, 4], 'int32'), 2));
add('iota', () => ops.iota([2, 3], 1));
add('iota added', () => ops.add(ops.iota([2, 3], 1), x([2, 3], 'int32')));
add('oneHot', () => ops.oneHot(x([3], 'int32'), 4), { x: Int32Array.of(3, 0, 1) });
add('fill', () => ops.fill([2, 3], 0.5));
add('broadcast batch', () => ops.add(ops.broadcastTo(x([1, 2]), [null, 2]), ops.mul(x([null, 2], 'float32', 'b'), 0)));
add('broadcast batch alone', () =>
  ops.concat([ops.broadcastTo(x([1, 2]), [null, 2]), x([null, 2], 'float32', 'b')], 1),
);
add('reshape batch', () => ops.reshape(x([null, 3, 2]), [null, 6]));
add('slice batch', () => ops.slice(x([null, 3]), [0, 1], [null, 3]));
for (const transposeA of [false, true]) {
  for (const transposeB of [false, true]) {
    const shapes = [transposeA ? [3, 2] : [2, 3], transposeB ? [4, 3] : [3, 4]];
    add(`matmul ${transposeA} ${transposeB}`, () =>
      ops.matmul(x(shapes[0]!), x(shapes[1]!, 'float32', 'b'), { transposeA, transposeB }),
    );
    add(`matmul + bias ${transposeA} ${transposeB}`, () =>
      ops.add(
        x([4], 'float32', 'c'),
        ops.matmul(x(shapes[0]!), x(shapes[1]!, 'float32', 'b'), { transposeA, transposeB }),
      ),
    );
    add(`matmul stacks ${transposeA} ${transposeB}`, () =>
      ops.matmul(x([5, 2, ...shapes[0]!]), x([2, ...shapes[1]!], 'float32', 'b'), { transposeA, transposeB }),
    );
    add(`matmul stack by matrix ${transposeA} ${transposeB}`, () =>
      ops.matmul(x([5, 2, ...shapes[0]!]), x([...shapes[1]!], 'float32', 'b'), { transposeA, transposeB }),
    );
  }
}
add('matmul batch + bias', () =>
  ops.add(ops.matmul(x([null, 3]), x([4, 3], 'float32', 'b'), { transposeB: true }), x([4], 'float32', 'c')),
);
add('matmul + column', () => ops.add(ops.matmul(x([2, 3]), x([3, 4], 'float32', 'b')), x([2, 1], 'float32', 'c')));
add('matmul + larger', () => ops.add(ops.matmul(x([2, 3]), x([3, 4], 'float32', 'b')), x([5, 2, 4], 'float32', 'c')));
add('matmul used twice', () => {
  const y = ops.matmul(x([2, 3]), x([3, 4], 'float32', 'b'));
  return ops.mul(ops.add(y, x([4], 'float32', 'c')), y);
});

const geometries = [
  { size: [7, 6], kernel: [3, 2], stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1], groups: 1 },
  { size: [7, 6], kernel: [3, 2], stride: [2, 3], padding: [1, 0, 2, 1], dilation: [1, 1], groups: 1 },
  { size: [9, 8], kernel: [3, 2], stride: [2, 1], padding: [1, 1, 0, 2], dilation: [2, 3], groups: 1 },
  { size: [7, 6], kernel: [3, 3], stride: [2, 2], padding: [1, 1, 1, 1], dilation: [1, 1], groups: 2 },
  { size: [7, 6], kernel: [2, 3], stride: [1, 2], padding: [0, 1, 2, 0], dilation: [2, 1], groups: 4 },
  { size: [8, 6], kernel: [2, 2], stride: [2, 2], padding: [0, 0, 0, 0], dilation: [1, 1], groups: 1 },
  { size: [9, 7], kernel: [2, 3], stride: [2, 3], padding: [0, 0, 0, 0], dilation: [1, 1], groups: 1 },
  { size: [5, 5], kernel: [2, 2], stride: [3, 3], padding: [0, 0, 0, 0], dilation: [1, 1], groups: 1 },
  { size: [5, 5], kernel: [2, 2], stride: [1, 1], padding: [2, 3, 2, 3], dilation: [1, 1], groups: 1 },
  { size: [5, 5], kernel: [1, 1], stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1], groups: 1 },
] as const;
for (const { size, kernel, groups, ...window } of geometries) {
  const label = JSON.stringify({ size, kernel, groups, ...window });
  const [channels, out] = [4, 8];
  const image = () => x([3, channels, ...size]);
  const y = () => ops.conv2d(image(), x([out, channels / groups, ...kernel], 'float32', 'w'), { ...window, groups });
  add(`conv2d ${label}`, y);
  add(`conv2d batch ${label}`, () =>
    ops.conv2d(x([null, channels, ...size]), x([out, channels / groups, ...kernel], 'float32', 'w'), {
      ...window,
      groups,
    }),
  );
  add(`conv2d + bias ${label}`, () => ops.add(y(), ops.reshape(x([out], 'float32', 'b'), [1, out, 1, 1])));
  add(`conv2d + full ${label}`, () => ops.add(y(), x([out, 1, 1], 'float32', 'b')));
  const dy = () => x([...y().shape], 'float32', 'dy');
  add(`conv2dInputGradient ${label}`, () =>
    ops.conv2dInputGradient(dy(), x([out, channels / groups, ...kernel], 'float32', 'w'), {
      ...window,
      groups,
      inputSize: size,
    }),
  );
  add(`conv2dFilterGradient ${label}`, () =>
    ops.conv2dFilterGradient(image(), dy(), { ...window, groups, kernelSize: kernel }),
  );
  const pooling = { ...window, kernelSize: kernel };
  const dp = () => x([...ops.maxPool2d(image(), pooling).shape], 'float32', 'dy');
  add(`maxPool2d ${label}`, () => ops.maxPool2d(image(), pooling));
  add(`maxPool2dGradient ${label}`, () => ops.maxPool2dGradient(image(), dp(), pooling));
  const ties = values('float32', 3 * channels * size[0] * size[1]).map((v) => Math.round(v / 2));
  add(`maxPool2dGradient ties ${label}`, () => ops.maxPool2dGradient(image(), dp(), pooling), { x: ties });
  for (const countIncludesPadding of [true, false]) {
    const average = { ...pooling, countIncludesPadding };
    add(`avgPool2d ${countIncludesPadding} ${label}`, () => ops.avgPool2d(image(), average));
    add(`avgPool2d batch ${countIncludesPadding} ${label}`, () => ops.avgPool2d(x([null, channels, ...size]), average));
    add(`avgPool2dGradient ${countIncludesPadding} ${label}`, () =>
      ops.avgPool2dGradient(dp(), { ...average, inputSize: size }),
    );
  }
}
for (const axis of [0, 1, 2]) {
  add(`softmax ${axis}`, () => ops.softmax(x([2, 3, 4]), axis));
  add(`logSoftmax ${axis}`, () => ops.logSoftmax(x([2, 3, 4]), axis));
  const channels = [2, 3, 4][axis]!;
  const v = { variance: values('float32', channels, 0.5, 2) };
  const perChannel = (name: string) => x([channels], 'float32', name);
  add(
    `batchNormalize ${axis}`,
    () =>
      ops.batchNormalize(
        x([2, 3, 4]),
        perChannel('mean'),
        perChannel('variance'),
        perChannel('gamma'),
        perChannel('beta'),
        { axis },
      ),
    v,
  );
}

describe('lowered to ONNX Runtime on the CPU', () => {
  for (const [name, run] of Object.entries(cases)) test(name, run);
  test('has a case for every operation', () => {
    const untested = [...Object.keys(primitives), ...Object.keys(fused)].filter(
      (op) => !Object.keys(cases).some((name) => name.split(' ')[0] === op),
    );
    expect(untested).toEqual([]);
  });
});
