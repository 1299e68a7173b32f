// Matrix products.
// biome-ignore-all format: a matrix in one line is easier to compare than one in many.

import { ops } from '@bn/core';
import { float32 } from '../host-value.js';
import { literalCases } from '../literal-case.js';

const { NaN: nan } = Number;
const a = float32([[1, 2, 3], [4, 5, 6]]);
const b = float32([[1, -1], [2, 0], [-3, 4]]);
const transposedA = float32([[1, 4], [2, 5], [3, 6]]);
const transposedB = float32([[1, 2, -3], [-1, 0, 4]]);
const product = float32([[-4, 11], [-4, 20]]);

export const matmulCases = literalCases('product', {
  'matmul: two matrices': [[a, b], (x, y) => ops.matmul(x, y), product],
  'matmul: the first transposed': [[transposedA, b], (x, y) => ops.matmul(x, y, { transposeA: true }), product],
  'matmul: the second transposed': [[a, transposedB], (x, y) => ops.matmul(x, y, { transposeB: true }), product],
  'matmul: both transposed': [
    [transposedA, transposedB],
    (x, y) => ops.matmul(x, y, { transposeA: true, transposeB: true }),
    product,
  ],
  'matmul: a matrix with itself': [[a], (x) => ops.matmul(x, x, { transposeB: true }), float32([[14, 32], [32, 77]])],
  'matmul: a row by a column': [
    [float32([[1, 2, 3]]), float32([[4], [5], [6]])],
    (x, y) => ops.matmul(x, y),
    float32([[32]]),
  ],
  'matmul: a column by a row': [
    [float32([[1], [2]]), float32([[3, 4, 5]])],
    (x, y) => ops.matmul(x, y),
    float32([[3, 4, 5], [6, 8, 10]]),
  ],
  'matmul: in batches': [
    [float32([[[1, 2]], [[3, 4]]]), float32([[[1], [1]], [[2], [-1]]])],
    (x, y) => ops.matmul(x, y),
    float32([[[3]], [[2]]]),
  ],
  'matmul: in batches, transposed': [
    [float32([[[1, 2]], [[3, 4]]]), float32([[[5, 6]], [[7, 8]]])],
    (x, y) => ops.matmul(x, y, { transposeA: true }),
    float32([[[5, 6], [10, 12]], [[21, 24], [28, 32]]]),
  ],
  'matmul: four axes': [
    [float32([[[[1, 2]], [[3, 4]]]]), float32([[[[1], [1]], [[2], [-1]]]])],
    (x, y) => ops.matmul(x, y),
    float32([[[[3]], [[2]]]]),
  ],
  'matmul: one matrix for the whole batch': [
    [float32([[[1, 2]], [[3, 4]]]), float32([[1, 0], [1, 1]])],
    (x, y) => ops.matmul(x, y),
    float32([[[3, 2]], [[7, 4]]]),
  ],
  'matmul: NaN reaches its row alone': [
    [float32([[nan, 1], [1, 2]]), float32([[1, 0], [0, 1]])],
    (x, y) => ops.matmul(x, y),
    float32([[nan, nan], [1, 2]]),
  ],
});
