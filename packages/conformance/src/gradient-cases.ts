// Functions whose gradients are compared: with finite differences on the reference backend, and as graphs on every other.

import {
  batchNorm,
  createGenerator,
  createGraph,
  defineModel,
  type Graph,
  gradients,
  input,
  ops,
  type Tensor,
  trace,
} from '@bn/core';
import { Draw } from './draw.js';
import { bool, type HostValue, int32 } from './host-value.js';

export interface GradientCase {
  /** `operation: gradient…`. */
  readonly name: string;
  /** float32 inputs are differentiated. */
  readonly inputs: readonly HostValue[];
  readonly build: (...inputs: Tensor[]) => Tensor;
  /** True where a second derivative does not exist. */
  readonly once?: boolean;
}

const draw = new Draw(createGenerator(11));
const normal = (...shape: number[]) => draw.normal(shape);
const positive = (...shape: number[]) => draw.positive(shape);

const geometry = { stride: [2, 1], padding: [1, 0, 0, 2], dilation: [1, 2], groups: 2 } as const;
const window = { kernelSize: [2, 3], stride: [2, 1], padding: [1, 1, 0, 1], dilation: [1, 1] } as const;

type Row = readonly [inputs: readonly HostValue[], build: (...inputs: Tensor[]) => Tensor, once?: 'once'];

const rows: Readonly<Record<string, Row>> = {
  'add: gradient with broadcasting': [[normal(2, 3), normal(3)], ops.add],
  'sub: gradient with broadcasting': [[normal(2, 1), normal(2, 3)], ops.sub],
  'mul: gradient with broadcasting': [[normal(2, 3, 2), normal(3, 1)], ops.mul],
  'mul: gradient of a square': [[normal(4)], ops.square],
  'div: gradient with broadcasting': [[normal(2, 3), positive(2, 1)], ops.div],
  'maximum: gradient with broadcasting': [[normal(2, 4), normal(4)], ops.maximum],
  'minimum: gradient with broadcasting': [[normal(2, 4), normal(2, 1)], ops.minimum],
  'neg: gradient': [[normal(3)], ops.neg],
  'exp: gradient': [[normal(2, 2)], ops.exp],
  'log: gradient': [[positive(2, 2)], ops.log],
  'sqrt: gradient': [[positive(2, 2)], ops.sqrt],
  'tanh: gradient': [[normal(2, 3)], ops.tanh],
  'sigmoid: gradient': [[normal(2, 3)], ops.sigmoid],
  'erf: gradient': [[normal(2, 3)], ops.erf],
  'gelu: gradient': [[normal(2, 3)], ops.gelu],
  'geluTanh: gradient': [[normal(2, 3)], ops.geluTanh],
  'where: gradient with broadcasting': [[bool([[1], [0]]), normal(2, 3), normal(3)], ops.where],
  'sum: gradient': [[normal(2, 3, 2)], (x) => ops.sum(x, [0, 2])],
  'sum: gradient with kept axes': [[normal(2, 3)], (x) => ops.sum(ops.square(x), [1], { keepDims: true })],
  'max: gradient': [[normal(2, 3, 2)], (x) => ops.max(x, [1])],
  'max: gradient of everything': [[normal(2, 3)], (x) => ops.square(ops.max(x))],
  'variance: gradient': [[normal(3, 4)], (x) => ops.variance(x, [0])],
  'reshape: gradient': [[normal(2, 3)], (x) => ops.square(ops.reshape(x, [3, 2]))],
  'transpose: gradient': [[normal(2, 3, 2)], (x) => ops.square(ops.transpose(x, [1, 2, 0]))],
  'broadcastTo: gradient': [[normal(2, 1)], (x) => ops.square(ops.broadcastTo(x, [3, 2, 2]))],
  'pad: gradient': [[normal(2, 2)], (x) => ops.square(ops.pad(x, [1, 0], [0, 2], 3))],
  'slice: gradient': [[normal(3, 4)], (x) => ops.square(ops.slice(x, [1, 0], [3, 2]))],
  'concat: gradient': [[normal(2, 1), normal(2, 3)], (a, b) => ops.square(ops.concat([a, b, a], 1))],
  'gather: gradient with repeated indices': [
    [
      normal(2, 3, 2),
      int32([
        [2, 0],
        [2, 2],
      ]),
    ],
    (x, indices) => ops.square(ops.gather(x, indices, 1)),
  ],
  'matmul: gradient': [[normal(2, 3), normal(3, 2)], (a, b) => ops.matmul(a, b)],
  'matmul: gradient, first transposed': [
    [normal(3, 2), normal(3, 2)],
    (a, b) => ops.matmul(a, b, { transposeA: true }),
  ],
  'matmul: gradient, second transposed': [
    [normal(2, 3), normal(2, 3)],
    (a, b) => ops.matmul(a, b, { transposeB: true }),
  ],
  'matmul: gradient, both transposed': [
    [normal(3, 2), normal(2, 3)],
    (a, b) => ops.matmul(a, b, { transposeA: true, transposeB: true }),
  ],
  'matmul: gradient, one matrix for the whole batch': [[normal(2, 2, 3), normal(3, 2)], (a, b) => ops.matmul(a, b)],
  'conv2d: gradient': [[normal(2, 2, 4, 5), normal(4, 1, 2, 2)], (x, filter) => ops.conv2d(x, filter, geometry)],
  'conv2dInputGradient: gradient': [
    [normal(1, 2, 2, 5), normal(2, 1, 2, 2)],
    (dy, filter) => ops.conv2dInputGradient(dy, filter, { ...geometry, inputSize: [4, 5] }),
  ],
  'conv2dFilterGradient: gradient': [
    [normal(1, 2, 4, 5), normal(1, 2, 2, 5)],
    (x, dy) => ops.conv2dFilterGradient(x, dy, { ...geometry, kernelSize: [2, 2] }),
  ],
  'avgPool2d: gradient, padding counts': [
    [normal(1, 2, 3, 4)],
    (x) => ops.avgPool2d(ops.square(x), { ...window, countIncludesPadding: true }),
  ],
  'avgPool2d: gradient, padding does not count': [
    [normal(1, 2, 3, 4)],
    (x) => ops.avgPool2d(ops.square(x), { ...window, countIncludesPadding: false }),
  ],
  'avgPool2dGradient: gradient': [
    [normal(1, 2, 2, 4)],
    (dy) => ops.avgPool2dGradient(ops.square(dy), { ...window, countIncludesPadding: true, inputSize: [3, 4] }),
  ],
  'maxPool2d: gradient': [[normal(2, 2, 3, 4)], (x) => ops.maxPool2d(ops.square(x), window), 'once'],
  'relu: gradient': [[normal(2, 4)], (x) => ops.square(ops.relu(x))],
  'softmax: gradient': [[normal(2, 3)], (x) => ops.softmax(x, 0)],
  'logSoftmax: gradient': [[normal(2, 3)], (x) => ops.logSoftmax(x)],
  'batchNormalize: gradient': [
    [normal(2, 2, 3), normal(2), positive(2), normal(2), normal(2)],
    (x, mean, variance, gamma, beta) => ops.batchNormalize(x, mean, variance, gamma, beta),
  ],
  'batchNorm: gradient in training': [[normal(4, 3)], (x) => batchNormOf(x)],
  'batchNorm: gradient in training, images': [[normal(2, 2, 2, 3)], (x) => batchNormOf(x)],
};

export const gradientCases: readonly GradientCase[] = Object.entries(rows).map(([name, [inputs, build, once]]) => ({
  name,
  inputs,
  build,
  once: once === 'once',
}));

/** Outputs y and, for float32 input i, d{i}: its gradient where that of y is the input dy. Inputs are x0, x1, … */
export function gradientGraph({ inputs, build }: GradientCase): Graph {
  const xs = inputs.map(({ shape, dtype }, i) => input(`x${i}`, shape, dtype));
  const y = build(...xs);
  const differentiated = xs.filter(({ dtype }) => dtype === 'float32');
  const slopes = gradients(y, differentiated, input('dy', y.shape));
  return createGraph({ y, ...Object.fromEntries(slopes.map((dx, i) => [`d${xs.indexOf(differentiated[i])}`, dx])) });
}

/** The batch normalization layer in training, its gradient derived by hand; gamma 1, beta 0. */
function batchNormOf(x: Tensor): Tensor {
  const model = defineModel(batchNorm({ scale: false, center: false, epsilon: 0.1 }), {
    input: { shape: [null, ...x.shape.slice(1)], dtype: 'float32' },
  });
  return trace(model, x, { training: true }).output;
}
