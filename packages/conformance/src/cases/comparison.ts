// equal, less, where and cast.
// biome-ignore-all format: a matrix in one line is easier to compare than one in many.

import { constant, ops } from '@bn/core';
import { bool, float32, int32, uint8 } from '../host-value.js';
import { literalCases } from '../literal-case.js';

const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;

export const comparisonCases = literalCases('exact', {
  'equal: float32': [[float32([1, 2, nan, 0]), float32([1, 3, nan, -0])], ops.equal, bool([1, 0, 0, 1])],
  'equal: int32, a column and a row': [
    [int32([[1], [-2]]), int32([1, 2, -2])],
    ops.equal,
    bool([[1, 0, 0], [0, 0, 1]]),
  ],
  'equal: uint8': [[uint8([255, 0]), uint8([255, 1])], ops.equal, bool([1, 0])],
  'equal: bool': [[bool([1, 0, 1]), bool([1, 1, 0])], ops.equal, bool([1, 0, 0])],
  'less: float32': [[float32([1, 2, -3, nan]), float32([2, 2, -2, 1])], ops.less, bool([1, 0, 1, 0])],
  'less: a matrix than a number': [[float32([[1, 2], [3, 4]])], (x) => ops.less(x, 2.5), bool([[1, 1], [0, 0]])],
  'less: a row than a column': [[float32([1, 3]), float32([[2], [4]])], ops.less, bool([[1, 0], [1, 1]])],
  'less: int32': [[int32([-1, 5]), int32([0, 5])], ops.less, bool([1, 0])],
  'less: uint8 has no sign': [[uint8([200, 100]), uint8([100, 200])], ops.less, bool([0, 1])],
  'less: bool': [[bool([0, 0, 1, 1]), bool([0, 1, 0, 1])], ops.less, bool([0, 1, 0, 0])],
  'less: greater is less the other way round': [[int32([1, 2, 3]), int32(2)], ops.greater, bool([0, 0, 1])],
  'where: equal shapes': [
    [bool([1, 0, 1]), float32([1, 2, 3]), float32([-1, -2, -3])],
    ops.where,
    float32([1, -2, 3]),
  ],
  'where: a column decides': [
    [bool([[1], [0]]), float32([1, 2]), float32(9)],
    ops.where,
    float32([[1, 2], [9, 9]]),
  ],
  'where: three shapes stretch': [
    [bool([[[1]], [[0]]]), float32([[1], [2]]), float32([3, 4, 5])],
    ops.where,
    float32([[[1, 1, 1], [2, 2, 2]], [[3, 4, 5], [3, 4, 5]]]),
  ],
  'where: what is not chosen has no effect': [
    [bool([0, 1]), float32([nan, 2]), float32([1, infinity])],
    ops.where,
    float32([1, 2]),
  ],
  'where: by a constant': [
    [float32([1, 2, 3]), float32([4, 5, 6])],
    (a, b) => ops.where(constant([1, 0, 1], [3], 'bool'), a, b),
    float32([1, 5, 3]),
  ],
  'where: numbers': [[bool([1, 0])], (condition) => ops.where(condition, 2, -1), float32([2, -1])],
  'where: int32': [[bool([1, 0]), int32([1, 2]), int32([-1, -2])], ops.where, int32([1, -2])],
  'where: uint8': [[bool([1, 0]), uint8([1, 2]), uint8([254, 255])], ops.where, uint8([1, 255])],
  'where: bool': [[bool([1, 0]), bool([0, 0]), bool([1, 1])], ops.where, bool([0, 1])],
});

export const castCases = literalCases('exact', {
  'cast: float32 to int32 cuts towards zero': [
    [float32([[1.9, -1.9], [0.5, -7]])],
    (x) => ops.cast(x, 'int32'),
    int32([[1, -1], [0, -7]]),
  ],
  'cast: float32 to uint8': [[float32([0, 1.9, 255])], (x) => ops.cast(x, 'uint8'), uint8([0, 1, 255])],
  'cast: float32 to bool': [[float32([0, 0.5, -2])], (x) => ops.cast(x, 'bool'), bool([0, 1, 1])],
  'cast: int32 to float32': [[int32([-3, 16777216])], (x) => ops.cast(x, 'float32'), float32([-3, 16777216])],
  'cast: int32 to uint8': [[int32([0, 7, 255])], (x) => ops.cast(x, 'uint8'), uint8([0, 7, 255])],
  'cast: int32 to bool': [[int32([0, 7, -256])], (x) => ops.cast(x, 'bool'), bool([0, 1, 1])],
  'cast: uint8 to float32': [
    [uint8([[0, 127], [128, 255]])],
    (x) => ops.cast(x, 'float32'),
    float32([[0, 127], [128, 255]]),
  ],
  'cast: uint8 to int32': [[uint8([0, 128, 255])], (x) => ops.cast(x, 'int32'), int32([0, 128, 255])],
  'cast: uint8 to bool': [[uint8([0, 128])], (x) => ops.cast(x, 'bool'), bool([0, 1])],
  'cast: bool to float32': [[bool([1, 0])], (x) => ops.cast(x, 'float32'), float32([1, 0])],
  'cast: bool to int32': [[bool([[1], [0]])], (x) => ops.cast(x, 'int32'), int32([[1], [0]])],
  'cast: bool to uint8': [[bool([1, 0])], (x) => ops.cast(x, 'uint8'), uint8([1, 0])],
  'cast: a computed bool': [
    [float32([1, 2, 3])],
    (x) => ops.cast(ops.less(x, 2.5), 'float32'),
    float32([1, 1, 0]),
  ],
});
