// sum, max and argmax, and means and variances made of them.
// biome-ignore-all format: a matrix in one line is easier to compare than one in many.

import { gradients, ops } from '@bn/core';
import { float32, int32, pattern } from '../host-value.js';
import { literalCases } from '../literal-case.js';

const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;
const matrix = float32([[1, -2, 3], [4, 5, -6]]);
// [2, 2, 3]
const cube = float32([[[1, 2, 3], [4, 5, 6]], [[-1, -2, -3], [10, 20, 30]]]);

export const sumCases = literalCases('reduction', {
  'sum: everything': [[matrix], (x) => ops.sum(x), float32(5)],
  'sum: down the columns': [[matrix], (x) => ops.sum(x, [0]), float32([5, 3, -3])],
  'sum: along the rows': [[matrix], (x) => ops.sum(x, [-1]), float32([2, 3])],
  'sum: keeping the axis': [[matrix], (x) => ops.sum(x, [1], { keepDims: true }), float32([[2], [3]])],
  'sum: everything, keeping the axes': [[matrix], (x) => ops.sum(x, [0, 1], { keepDims: true }), float32([[5]])],
  'sum: the middle axis': [[cube], (x) => ops.sum(x, [1]), float32([[5, 7, 9], [9, 18, 27]])],
  'sum: the outer axes': [[cube], (x) => ops.sum(x, [0, 2]), float32([0, 75])],
  'sum: per channel of images': [[pattern([2, 3, 2, 3])], (x) => ops.sum(x, [0, 2, 3]), float32([-7, 2, 0])],
  'sum: per channel, keeping the axes': [
    [pattern([2, 3, 2, 3])],
    (x) => ops.sum(x, [0, 2, 3], { keepDims: true }),
    float32([[[[-7]], [[2]], [[0]]]]),
  ],
  'sum: no axis leaves all as it is': [[matrix], (x) => ops.sum(x, []), matrix],
  'sum: a scalar': [[float32(3)], (x) => ops.sum(x), float32(3)],
  'sum: an axis of size 1': [[float32([[1, 2]])], (x) => ops.sum(x, [0]), float32([1, 2])],
  'sum: int32': [[int32([[1, -2], [30, 40]])], (x) => ops.sum(x, [1]), int32([-1, 70])],
  'sum: int32, everything': [[int32([100000, -1, 1])], (x) => ops.sum(x), int32(100000)],
  'sum: NaN and infinity': [[float32([[1, nan], [2, infinity]])], (x) => ops.sum(x, [1]), float32([nan, infinity])],
  'mean: along the rows': [[matrix], (x) => ops.mean(x, [1]), float32([2 / 3, 1])],
  'variance: of the population': [[float32([[1, 3], [2, 8]])], (x) => ops.variance(x, [1]), float32([1, 9])],
  'variance: a large mean does not cancel': [
    [float32([[4096.5, 4097.5], [-8192.25, -8191.75]])],
    (x) => ops.variance(x, [1], { keepDims: true }),
    float32([[0.25], [0.0625]]),
  ],
});

export const maxCases = literalCases('exact', {
  'max: everything': [[matrix], (x) => ops.max(x), float32(5)],
  'max: down the columns': [[matrix], (x) => ops.max(x, [0]), float32([4, 5, 3])],
  'max: along the rows, keeping the axis': [[matrix], (x) => ops.max(x, [1], { keepDims: true }), float32([[3], [5]])],
  'max: the middle axis': [[cube], (x) => ops.max(x, [1]), float32([[4, 5, 6], [10, 20, 30]])],
  'max: the outer axes': [[cube], (x) => ops.max(x, [0, 2]), float32([3, 30])],
  'max: all negative': [[float32([[-3, -1], [-5, -2]])], (x) => ops.max(x, [1]), float32([-1, -2])],
  'max: minus infinity alone': [
    [float32([[-infinity, -infinity], [1, infinity]])],
    (x) => ops.max(x, [1]),
    float32([-infinity, infinity]),
  ],
  'max: int32': [[int32([[-3, -1], [7, 2]])], (x) => ops.max(x, [1]), int32([-1, 7])],
  'max: ties share the gradient': [
    [float32([[2, 2, 1], [0, 3, 1]])],
    (x) => gradients(ops.max(x, [1]), [x])[0],
    float32([[0.5, 0.5, 0], [0, 1, 0]]),
  ],
  'argmax: the last axis': [[matrix], (x) => ops.argmax(x), int32([2, 1])],
  'argmax: the first axis': [[matrix], (x) => ops.argmax(x, 0), int32([1, 1, 0])],
  'argmax: the middle axis': [[cube], (x) => ops.argmax(x, 1), int32([[1, 1, 1], [1, 1, 1]])],
  'argmax: the first of equals': [[float32([[1, 7, 7], [5, 5, 5]])], (x) => ops.argmax(x, 1), int32([1, 0])],
  'argmax: all negative': [[float32([[-3, -1, -2]])], (x) => ops.argmax(x, 1), int32([1])],
  'argmax: an axis of size 1': [[float32([[1], [2]])], (x) => ops.argmax(x, 1), int32([0, 0])],
  'argmax: a vector': [[float32([0, 4, 2])], (x) => ops.argmax(x, 0), int32(1)],
  'argmax: int32': [[int32([[-9, -3], [4, 4]])], (x) => ops.argmax(x, 1), int32([1, 0])],
});
