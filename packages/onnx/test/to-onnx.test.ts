// What lowered models look like.

import { createGraph, gradients, input, ops, type Tensor, withOrigin } from '@bn/core';
import { describe, expect, test } from 'vitest';
import { type ToOnnxOptions, toOnnx } from '../src/index.js';
import { printModel, printValue, readModel } from './read-model.js';

const {
  add,
  avgPool2d,
  batchNormalize,
  broadcastTo,
  conv2d,
  iota,
  logSoftmax,
  matmul,
  mul,
  relu,
  reshape,
  softmax,
  sum,
} = ops;

/** Operators of the model that computes y. */
function operatorsOf(y: Tensor, options?: ToOnnxOptions): string[] {
  return readModel(toOnnx(createGraph({ y }), options)).graph!.node.map(({ opType }) => opType);
}

test('opset 17, IR 8, standard operators only', () => {
  const model = readModel(toOnnx(createGraph({ y: relu(input('x', [2])) })));
  expect(model.irVersion).toBe(8n);
  expect(model.opsetImport.map(({ domain, version }) => [domain, version])).toEqual([['', 17n]]);
});

test('inputs and outputs keep names, order, types and a symbolic batch', () => {
  const x = input('x', [null, 3]);
  const labels = input('labels', [null], 'int32');
  const graph = createGraph({ 'dense.output': mul(x, 2), same: ops.equal(ops.argmax(x), labels) });
  const { graph: lowered } = readModel(toOnnx(graph));
  expect(lowered!.input.map(printValue)).toEqual(['x: 1 [batch, 3]', 'labels: 6 [batch]']);
  expect(lowered!.output.map(printValue)).toEqual(['dense.output: 1 [batch, 3]', 'same: 9 [batch]']);
});

test('an output named like an input gets `.next`, also when that name is taken', () => {
  const weight = input('weight', [2]);
  const other = input('weight.next', [2]);
  expect(printModel(toOnnx(createGraph({ weight: add(weight, other) })))).toEqual([
    'weight.next_2 = Add(weight, weight.next)',
  ]);
});

test('an output that is an input, and a second output of one value, are copies', () => {
  const x = input('x', [2]);
  const y = relu(x);
  expect(printModel(toOnnx(createGraph({ y, z: y, x })))).toEqual([
    'y = Relu(x)',
    'z = Identity(y)',
    'x.next = Identity(x)',
  ]);
});

test('nodes are named after layer, direction and operation', () => {
  const y = withOrigin({ layer: 'block1.act', direction: 'backward' }, () => relu(input('x', [2])));
  const names = readModel(toOnnx(createGraph({ y }))).graph!.node.map(({ name }) => name);
  expect(names).toEqual(['block1.act/backward/relu/Relu']);
});

test('conv2d and a bias per channel are one Conv', () => {
  const y = conv2d(input('x', [1, 2, 4, 4]), input('w', [3, 2, 2, 2]), { stride: [2, 2], padding: [0, 1, 0, 1] });
  const bias = input('b', [3]);
  const one = ['y = Conv(x, w, b) {strides: [2,2], pads: [0,1,0,1]}'];
  expect(printModel(toOnnx(createGraph({ y: add(y, reshape(bias, [1, 3, 1, 1])) })))).toEqual(one);
  expect(printModel(toOnnx(createGraph({ y: add(reshape(bias, [3, 1, 1]), y) })))).toEqual(one);
});

test('a convolution with another user, or another kind of addend, keeps its addition', () => {
  const x = conv2d(input('x', [1, 3, 4, 4]), input('w', [3, 3, 1, 1]));
  const bias = reshape(input('b', [3]), [3, 1, 1]);
  expect(operatorsOf(mul(add(x, bias), x))).toEqual(['Conv', 'Reshape', 'Add', 'Mul']);
  expect(operatorsOf(add(x, input('b', [1, 1, 4, 4])))).toEqual(['Conv', 'Add']);
  expect(operatorsOf(add(x, input('b', [4])))).toEqual(['Conv', 'Add']);
});

test('transposed matrix products, and added biases, are one Gemm', () => {
  const y = matmul(input('x', [null, 3]), input('w', [4, 3]), { transposeB: true });
  expect(printModel(toOnnx(createGraph({ y: add(y, input('b', [4])) })))).toEqual(['y = Gemm(x, w, b) {transB: 1}']);
  expect(printModel(toOnnx(createGraph({ y })))).toEqual(['y = Gemm(x, w) {transB: 1}']);
});

test('MatMul broadcasts leading axes itself', () => {
  const y = matmul(input('x', [5, 2, 3]), input('w', [3, 4]));
  expect(printModel(toOnnx(createGraph({ y })))).toEqual(['y = MatMul(x, w)']);
});

test('broadcasts are left to users that broadcast, and carried out for others', () => {
  const x = broadcastTo(input('x', [3]), [2, 3]);
  expect(printModel(toOnnx(createGraph({ y: mul(add(x, 1), input('z', [2, 3])) })))).toEqual([
    'forward/add/Add = Add(x, [])',
    'y = Mul(forward/add/Add, z)',
  ]);
  expect(printModel(toOnnx(createGraph({ y: sum(x) })))).toEqual([
    'forward/broadcastTo/Expand = Expand(x, [2])',
    'y = ReduceSum(forward/broadcastTo/Expand, [2]) {keepdims: 0}',
  ]);
});

test('a broadcast to the symbolic batch asks an input for its size', () => {
  const x = input('x', [null, 3]);
  const y = ops.concat([broadcastTo(input('token', [1, 2]), [null, 2]), x], 1);
  expect(operatorsOf(y)).toEqual(['Shape', 'Concat', 'Expand', 'Concat']);
});

test('constants are float32, merged, and only those in use are kept', () => {
  const x = input('x', [2, 3]);
  const y = add(mul(ops.cast(iota([2, 3], 1), 'float32'), 1 / 3), mul(x, 1 / 3));
  const { initializer } = readModel(toOnnx(createGraph({ y }))).graph!;
  expect(initializer.map(({ dims, dataType }) => `${dataType} [${dims}]`)).toEqual(['6 [1,3]', '1 []']);
  expect(new Float32Array(initializer[1]!.rawData.slice().buffer)).toEqual(Float32Array.of(1 / 3));
});

test('fused operations are one operator where ONNX has it, else what they decompose into', () => {
  const x = input('x', [2, 3, 4]);
  const perChannel = (size: number) =>
    ['mean', 'variance', 'gamma', 'beta'].map((name) => input(name, [size])) as never;
  const normalized = (axis: number, size: number) =>
    batchNormalize(x, ...(perChannel(size) as [typeof x, typeof x, typeof x, typeof x]), { axis });
  expect(printModel(toOnnx(createGraph({ y: normalized(1, 3) })))).toEqual([
    `y = BatchNormalization(x, gamma, beta, mean, variance) {epsilon: ${Math.fround(1e-5)}}`,
  ]);
  expect(operatorsOf(normalized(2, 4))).not.toContain('BatchNormalization');
  expect(printModel(toOnnx(createGraph({ y: softmax(x, 1) })))).toEqual(['y = Softmax(x) {axis: 1}']);
  expect(printModel(toOnnx(createGraph({ y: logSoftmax(x) })))).toEqual(['y = LogSoftmax(x) {axis: 2}']);
});

test('average pooling beyond the operator becomes a convolution', () => {
  const geometry = { kernelSize: [2, 2], stride: [1, 1], padding: [0, 0, 0, 0], countIncludesPadding: true } as const;
  const pooled = (dilation: readonly [number, number]) =>
    avgPool2d(input('x', [1, 1, 5, 5]), { ...geometry, dilation });
  expect(operatorsOf(pooled([1, 1]))).toEqual(['AveragePool']);
  expect(operatorsOf(pooled([2, 2]))).toContain('Conv');
});

describe('gradients of convolution', () => {
  const plain = { stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1], groups: 1 } as const;
  const inputGradient = (channels: number, out: number) => {
    const [dy, filter] = [input('dy', [2, out, 3, 3]), input('w', [out, channels, 2, 2])];
    return operatorsOf(ops.conv2dInputGradient(dy, filter, { ...plain, inputSize: [4, 4] }));
  };
  const filterGradient = (groups: number, batch: number) => {
    const [x, dy] = [input('x', [batch, 4, 64, 64]), input('dy', [batch, 4, 62, 62])];
    return operatorsOf(ops.conv2dFilterGradient(x, dy, { ...plain, groups, kernelSize: [3, 3] }));
  };

  test('with respect to the input: transposed, or for channels in sixteens a convolution', () => {
    expect(inputGradient(4, 16)).toEqual(['ConvTranspose']);
    expect(inputGradient(16, 32)).toEqual(['Slice', 'Transpose', 'Conv']);
  });

  test('with respect to the filter: one product, but for groups and very large images', () => {
    expect(filterGradient(1, 8)).toContain('Gemm');
    expect(filterGradient(2, 8)).toContain('Conv');
    expect(filterGradient(1, 1024)).toContain('Conv');
  });
});

test('nothing scatters', () => {
  const x = input('x', [2, 3, 8, 8]);
  for (const stride of [1, 2] as const) {
    const y = ops.maxPool2d(x, {
      kernelSize: [2, 2],
      stride: [stride, stride],
      padding: [0, 0, 0, 0],
      dilation: [1, 1],
    });
    const [dx] = gradients(y, [x]) as [Tensor];
    expect(operatorsOf(dx).filter((operator) => /Scatter|Unpool/.test(operator))).toEqual([]);
  }
});

test('for WebGPU, channels that its kernel gets wrong are filled up', () => {
  const convolution = (channels: number) => conv2d(input('x', [1, channels, 4, 4]), input('w', [8, channels, 2, 2]));
  expect(operatorsOf(convolution(6))).toEqual(['Conv']);
  expect(operatorsOf(convolution(6), { provider: 'webgpu' })).toEqual(['Pad', 'Pad', 'Conv']);
  expect(operatorsOf(convolution(8), { provider: 'webgpu' })).toEqual(['Conv']);
});
