// add, sub, mul, div, maximum, minimum, neg, sqrt, with broadcasting.
// biome-ignore-all format: a matrix in one line is easier to compare than one in many.

import { gradients, ops } from '@bn/core';
import { float32, int32 } from '../host-value.js';
import { literalCases } from '../literal-case.js';

const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;

export const arithmeticCases = literalCases('arithmetic', {
  'add: equal shapes': [[float32([1, -2, 0.5]), float32([3, 5, 0.25])], ops.add, float32([4, 3, 0.75])],
  'add: scalars': [[float32(1), float32(2.5)], ops.add, float32(3.5)],
  'add: a scalar to a matrix': [[float32([[1, 2], [3, 4]]), float32(10)], ops.add, float32([[11, 12], [13, 14]])],
  'add: a matrix to a scalar': [[float32(10), float32([[1, 2], [3, 4]])], ops.add, float32([[11, 12], [13, 14]])],
  'add: a row to a matrix': [
    [float32([[1, 2, 3], [4, 5, 6]]), float32([10, 20, 30])],
    ops.add,
    float32([[11, 22, 33], [14, 25, 36]]),
  ],
  'add: a column to a matrix': [
    [float32([[1, 2, 3], [4, 5, 6]]), float32([[10], [20]])],
    ops.add,
    float32([[11, 12, 13], [24, 25, 26]]),
  ],
  'add: a column and a row stretch each other': [
    [float32([[1], [2], [3]]), float32([[10, 20, 30, 40]])],
    ops.add,
    float32([[11, 21, 31, 41], [12, 22, 32, 42], [13, 23, 33, 43]]),
  ],
  'add: a lower rank in front, size 1 inside': [
    [float32([[[1], [2]], [[3], [4]]]), float32([[10, 20]])],
    ops.add,
    float32([[[11, 21], [12, 22]], [[13, 23], [14, 24]]]),
  ],
  'add: one value of rank 1 to rank 2': [[float32([1]), float32([[1, 2]])], ops.add, float32([[2, 3]])],
  'add: a bias per channel': [
    [float32([[[[1, 2]], [[3, 4]]], [[[5, 6]], [[7, 8]]]]), float32([[[[10]], [[20]]]])],
    ops.add,
    float32([[[[11, 12]], [[23, 24]]], [[[15, 16]], [[27, 28]]]]),
  ],
  'add: a tensor to itself': [[float32([1, 2])], (x) => ops.add(x, x), float32([2, 4])],
  'add: a number': [[float32([1, 2])], (x) => ops.add(x, 0.5), float32([1.5, 2.5])],
  'add: int32': [[int32([1, -2]), int32([[10], [20]])], ops.add, int32([[11, 8], [21, 18]])],
  'add: NaN and infinity': [
    [float32([nan, infinity, infinity]), float32([1, 1, -infinity])],
    ops.add,
    float32([nan, infinity, nan]),
  ],
  'sub: the second from the first': [[float32([5, 1]), float32([2, 4])], ops.sub, float32([3, -3])],
  'sub: a matrix from a row': [
    [float32([10, 20]), float32([[1, 2], [3, 4]])],
    ops.sub,
    float32([[9, 18], [7, 16]]),
  ],
  'sub: a tensor from a number': [[float32([1, 2])], (x) => ops.sub(1, x), float32([0, -1])],
  'sub: int32': [[int32([5, -7]), int32(3)], ops.sub, int32([2, -10])],
  'mul: signs': [[float32([2, -3, -0.5]), float32([4, 5, -6])], ops.mul, float32([8, -15, 3])],
  'mul: a column by a row': [
    [float32([[1], [-2]]), float32([3, 4, 5])],
    ops.mul,
    float32([[3, 4, 5], [-6, -8, -10]]),
  ],
  'mul: a factor per channel': [
    [float32([[[[1, 2], [3, 4]], [[5, 6], [7, 8]]]]), float32([[[2]], [[-1]]])],
    ops.mul,
    float32([[[[2, 4], [6, 8]], [[-5, -6], [-7, -8]]]]),
  ],
  'mul: int32': [[int32([[3, -4], [5, 0]]), int32([-2, 7])], ops.mul, int32([[-6, -28], [-10, 0]])],
  'mul: NaN is not hidden by zero': [
    [float32([nan, infinity, 2]), float32([0, 0, 0])],
    ops.mul,
    float32([nan, nan, 0]),
  ],
  'div: signs': [[float32([6, -6, 1]), float32([3, 4, -8])], ops.div, float32([2, -1.5, -0.125])],
  'div: a number by a tensor': [[float32([2, 4, -8])], (x) => ops.div(1, x), float32([0.5, 0.25, -0.125])],
  'div: a matrix by a column': [[float32([[2, 4], [9, 3]]), float32([[2], [3]])], ops.div, float32([[1, 2], [3, 1]])],
  'div: by zero': [[float32([1, -1, 0]), float32(0)], ops.div, float32([infinity, -infinity, nan])],
  'neg: float32': [[float32([[1.5, -2], [0.25, 3]])], ops.neg, float32([[-1.5, 2], [-0.25, -3]])],
  'neg: int32': [[int32([1, -2, 0])], ops.neg, int32([-1, 2, 0])],
  'sqrt: squares': [[float32([[4, 0.25], [0, 9]])], ops.sqrt, float32([[2, 0.5], [0, 3]])],
  'sqrt: two': [[float32(2)], ops.sqrt, float32(Math.SQRT2)],
  'sqrt: outside its domain': [[float32([-1, infinity, nan])], ops.sqrt, float32([nan, infinity, nan])],
});

export const choiceCases = literalCases('exact', {
  'maximum: mixed signs': [[float32([1, -2, -3]), float32([-1, 2, -4])], ops.maximum, float32([1, 2, -3])],
  'maximum: a number': [[float32([[-1, 0.5], [2, -3]])], (x) => ops.maximum(x, 0), float32([[0, 0.5], [2, 0]])],
  'maximum: a column and a row': [[float32([[1], [3]]), float32([2, 0])], ops.maximum, float32([[2, 1], [3, 3]])],
  'maximum: int32': [[int32([-5, 7]), int32([[-6], [8]])], ops.maximum, int32([[-5, 7], [8, 8]])],
  'maximum: infinities': [[float32([infinity, -infinity]), float32([1, 1])], ops.maximum, float32([infinity, 1])],
  'tie of maximum: the second has the gradient': [
    [float32([1, 2, 3]), float32([3, 2, 1])],
    (a, b) => ops.concat(gradients(ops.maximum(a, b), [a, b]), 0),
    float32([0, 0, 1, 1, 1, 0]),
  ],
  'minimum: mixed signs': [[float32([1, -2, -3]), float32([-1, 2, -4])], ops.minimum, float32([-1, -2, -4])],
  'minimum: a scalar': [[float32(0.5), float32([[0, 1], [2, -3]])], ops.minimum, float32([[0, 0.5], [0.5, -3]])],
  'minimum: int32': [[int32([-5, 7]), int32([-6, 8])], ops.minimum, int32([-6, 7])],
  'tie of minimum: the second has the gradient': [
    [float32([1, 2, 3]), float32([3, 2, 1])],
    (a, b) => ops.concat(gradients(ops.minimum(a, b), [a, b]), 0),
    float32([1, 0, 0, 0, 1, 1]),
  ],
});
