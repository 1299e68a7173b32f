// Fused operations, which a backend computes by a kernel of its own or by their decompositions.
// biome-ignore-all format: a matrix in one line is easier to compare than one in many.

import { ops } from '@bn/core';
import { float32 } from '../host-value.js';
import { literalCases } from '../literal-case.js';

const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;
const log = (...values: readonly number[]) => values.map(Math.log);
// Two channels: with epsilon 1 the standard deviations are 2 and 3.
const perChannel = [float32([1, -1]), float32([3, 8]), float32([2, -3]), float32([0.5, 1])];

export const batchNormalizeCases = literalCases('arithmetic', {
  'batchNormalize: features': [
    [float32([[1, -1], [3, 2], [-5, -4]]), ...perChannel],
    (x, mean, variance, gamma, beta) => ops.batchNormalize(x, mean, variance, gamma, beta, { epsilon: 1 }),
    float32([[0.5, 1], [2.5, -2], [-5.5, 4]]),
  ],
  'batchNormalize: images': [
    [float32([[[[1, 3]], [[-1, 2]]], [[[-5, 0]], [[-4, 5]]]]), ...perChannel],
    (x, mean, variance, gamma, beta) => ops.batchNormalize(x, mean, variance, gamma, beta, { epsilon: 1 }),
    float32([[[[0.5, 2.5]], [[1, -2]]], [[[-5.5, -0.5]], [[4, -5]]]]),
  ],
  'batchNormalize: channels last': [
    [float32([[[[1, -1], [3, 2]], [[-5, -4], [0, 5]]]]), ...perChannel],
    (x, mean, variance, gamma, beta) => ops.batchNormalize(x, mean, variance, gamma, beta, { axis: -1, epsilon: 1 }),
    float32([[[[0.5, 1], [2.5, -2]], [[-5.5, 4], [-0.5, -5]]]]),
  ],
  'batchNormalize: three axes': [
    [float32([[[1, 3], [-1, 2]]]), ...perChannel],
    (x, mean, variance, gamma, beta) => ops.batchNormalize(x, mean, variance, gamma, beta, { epsilon: 1 }),
    float32([[[0.5, 2.5], [1, -2]]]),
  ],
  'batchNormalize: epsilon keeps a zero variance finite': [
    [float32([[1], [3]]), float32([2]), float32([0]), float32([1]), float32([0])],
    (x, mean, variance, gamma, beta) => ops.batchNormalize(x, mean, variance, gamma, beta, { epsilon: 0.25 }),
    float32([[-2], [2]]),
  ],
});

export const softmaxCases = literalCases('transcendental', {
  'softmax: rows': [
    [float32([log(1, 2, 3, 4), log(5, 5, 5, 5)])],
    (x) => ops.softmax(x),
    float32([[0.1, 0.2, 0.3, 0.4], [0.25, 0.25, 0.25, 0.25]]),
  ],
  'softmax: columns': [
    [float32([log(1, 2), log(3, 2)])],
    (x) => ops.softmax(x, 0),
    float32([[0.25, 0.5], [0.75, 0.5]]),
  ],
  'softmax: the middle axis': [
    [float32([[log(1, 2), log(3, 2)]])],
    (x) => ops.softmax(x, 1),
    float32([[[0.25, 0.5], [0.75, 0.5]]]),
  ],
  'softmax: large values do not overflow': [
    [float32([[1000, 1000], [-1000, 0]])],
    (x) => ops.softmax(x),
    float32([[0.5, 0.5], [0, 1]]),
  ],
  'softmax: minus infinity has no share': [
    [float32([[0, -infinity, 0]])],
    (x) => ops.softmax(x),
    float32([[0.5, 0, 0.5]]),
  ],
  'logSoftmax: rows': [
    [float32([log(1, 3), log(1, 1)])],
    (x) => ops.logSoftmax(x),
    float32([log(0.25, 0.75), log(0.5, 0.5)]),
  ],
  'logSoftmax: columns': [
    [float32([log(1, 2), log(3, 2)])],
    (x) => ops.logSoftmax(x, 0),
    float32([log(0.25, 0.5), log(0.75, 0.5)]),
  ],
  'logSoftmax: large values do not overflow': [[float32([[1000, 0]])], (x) => ops.logSoftmax(x), float32([[0, -1000]])],
  'logSoftmax: NaN is not hidden': [
    [float32([[nan, 1], [0, 0]])],
    (x) => ops.logSoftmax(x),
    float32([[nan, nan], log(0.5, 0.5)]),
  ],
});

export const reluCases = literalCases('exact', {
  'relu: signs': [[float32([[-1, 2], [0, -0.5]])], ops.relu, float32([[0, 2], [0, 0]])],
  'relu: a scalar': [[float32(-3)], ops.relu, float32(0)],
});
