// Operations that move elements, constants and counting: every result is exact.
// biome-ignore-all format: a matrix in one line is easier to compare than one in many.

import { constant, ops, scalar } from '@bn/core';
import { bool, float32, hostValue, int32, uint8 } from '../host-value.js';
import { literalCases } from '../literal-case.js';

const { POSITIVE_INFINITY: infinity } = Number;
const matrix = float32([[1, 2, 3], [4, 5, 6]]);
// [2, 3, 2]
const cube = float32([[[1, 2], [3, 4], [5, 6]], [[7, 8], [9, 10], [11, 12]]]);

export const moveCases = literalCases('exact', {
  'reshape: rows to columns': [[matrix], (x) => ops.reshape(x, [3, 2]), float32([[1, 2], [3, 4], [5, 6]])],
  'reshape: flatten': [[cube], (x) => ops.reshape(x, [2, -1]), float32([[1, 2, 3, 4, 5, 6], [7, 8, 9, 10, 11, 12]])],
  'reshape: to and from a scalar': [
    [float32([[7]])],
    (x) => ops.reshape(ops.reshape(x, []), [1, 1, 1]),
    float32([[[7]]]),
  ],
  'reshape: int32': [[int32([[1, 2]])], (x) => ops.reshape(x, [2, 1]), int32([[1], [2]])],
  'reshape: uint8': [[uint8([[1, 255]])], (x) => ops.reshape(x, [2]), uint8([1, 255])],
  'reshape: bool': [[bool([1, 0])], (x) => ops.reshape(x, [1, 2]), bool([[1, 0]])],
  'transpose: a matrix': [[matrix], (x) => ops.transpose(x), float32([[1, 4], [2, 5], [3, 6]])],
  'transpose: axes in a cycle': [
    [cube],
    (x) => ops.transpose(x, [1, 2, 0]),
    float32([[[1, 7], [2, 8]], [[3, 9], [4, 10]], [[5, 11], [6, 12]]]),
  ],
  'transpose: the other cycle': [
    [cube],
    (x) => ops.transpose(x, [2, 0, 1]),
    float32([[[1, 3, 5], [7, 9, 11]], [[2, 4, 6], [8, 10, 12]]]),
  ],
  'transpose: channels last': [
    [float32([[[[1, 2], [3, 4]], [[5, 6], [7, 8]]]])],
    (x) => ops.transpose(x, [0, 2, 3, 1]),
    float32([[[[1, 5], [2, 6]], [[3, 7], [4, 8]]]]),
  ],
  'transpose: int32': [[int32([[1, 2]])], (x) => ops.transpose(x), int32([[1], [2]])],
  'transpose: uint8': [[uint8([[1, 2], [3, 255]])], (x) => ops.transpose(x), uint8([[1, 3], [2, 255]])],
  'transpose: bool': [[bool([[1, 0], [1, 1]])], (x) => ops.transpose(x), bool([[1, 1], [0, 1]])],
  'broadcastTo: a scalar': [[float32(2)], (x) => ops.broadcastTo(x, [2, 3]), float32([[2, 2, 2], [2, 2, 2]])],
  'broadcastTo: a row': [[float32([1, 2])], (x) => ops.broadcastTo(x, [2, 2]), float32([[1, 2], [1, 2]])],
  'broadcastTo: a column': [[float32([[1], [2]])], (x) => ops.broadcastTo(x, [2, 3]), float32([[1, 1, 1], [2, 2, 2]])],
  'broadcastTo: the middle axis': [
    [float32([[[1, 2]], [[3, 4]]])],
    (x) => ops.broadcastTo(x, [2, 2, 2]),
    float32([[[1, 2], [1, 2]], [[3, 4], [3, 4]]]),
  ],
  'broadcastTo: new axes of size 1': [[float32([1, 2])], (x) => ops.broadcastTo(x, [1, 1, 2]), float32([[[1, 2]]])],
  'broadcastTo: int32': [[int32([7])], (x) => ops.broadcastTo(x, [2, 1]), int32([[7], [7]])],
  'broadcastTo: uint8': [[uint8(200)], (x) => ops.broadcastTo(x, [2]), uint8([200, 200])],
  'broadcastTo: bool': [[bool([[1], [0]])], (x) => ops.broadcastTo(x, [2, 2]), bool([[1, 1], [0, 0]])],
  'pad: both sides differ': [
    [float32([[1, 2], [3, 4]])],
    (x) => ops.pad(x, [1, 0], [0, 2]),
    float32([[0, 0, 0, 0], [1, 2, 0, 0], [3, 4, 0, 0]]),
  ],
  'pad: with a value': [[float32([1, 2])], (x) => ops.pad(x, [1], [2], -1.5), float32([-1.5, 1, 2, -1.5, -1.5])],
  'pad: with minus infinity': [[float32([1])], (x) => ops.pad(x, [0], [1], -infinity), float32([1, -infinity])],
  'pad: two infinities stay apart': [
    [float32([1])],
    (x) => ops.concat([ops.pad(x, [1], [0], infinity), ops.pad(x, [1], [0], -infinity)], 0),
    float32([infinity, 1, -infinity, 1]),
  ],
  'pad: an image': [
    [float32([[[[1, 2]]]])],
    (x) => ops.pad(x, [0, 0, 1, 0], [0, 1, 0, 1], 9),
    float32([[[[9, 9, 9], [1, 2, 9]], [[9, 9, 9], [9, 9, 9]]]]),
  ],
  'pad: int32': [[int32([1])], (x) => ops.pad(x, [1], [1], -7), int32([-7, 1, -7])],
  'pad: uint8': [[uint8([1])], (x) => ops.pad(x, [0], [2], 255), uint8([1, 255, 255])],
  'slice: inside a matrix': [[matrix], (x) => ops.slice(x, [0, 1], [1, 3]), float32([[2, 3]])],
  'slice: the end of a vector': [[float32([1, 2, 3])], (x) => ops.slice(x, [2], [3]), float32([3])],
  'slice: all axes of a cube': [[cube], (x) => ops.slice(x, [1, 0, 1], [2, 2, 2]), float32([[[8], [10]]])],
  'slice: of a sum': [[matrix], (x) => ops.slice(ops.add(x, x), [1, 0], [2, 2]), float32([[8, 10]])],
  'slice: int32': [[int32([[1, 2], [3, 4]])], (x) => ops.slice(x, [1, 0], [2, 2]), int32([[3, 4]])],
  'slice: uint8': [[uint8([1, 255])], (x) => ops.slice(x, [1], [2]), uint8([255])],
  'slice: bool': [[bool([1, 0, 1])], (x) => ops.slice(x, [1], [3]), bool([0, 1])],
  'concat: below each other': [
    [float32([[1, 2]]), float32([[3, 4], [5, 6]])],
    (a, b) => ops.concat([a, b], 0),
    float32([[1, 2], [3, 4], [5, 6]]),
  ],
  'concat: beside each other': [
    [float32([[1], [2]]), float32([[3, 4], [5, 6]])],
    (a, b) => ops.concat([a, b], -1),
    float32([[1, 3, 4], [2, 5, 6]]),
  ],
  'concat: three, along the middle axis': [
    [float32([[[1]], [[2]]]), float32([[[3], [4]], [[5], [6]]]), float32([[[7]], [[8]]])],
    (a, b, c) => ops.concat([a, b, c], 1),
    float32([[[1], [3], [4], [7]], [[2], [5], [6], [8]]]),
  ],
  'concat: a tensor with itself': [[float32([1, 2])], (x) => ops.concat([x, x], 0), float32([1, 2, 1, 2])],
  'concat: int32': [[int32([1]), int32([-2])], (a, b) => ops.concat([a, b], 0), int32([1, -2])],
  'concat: uint8': [[uint8([1]), uint8([255])], (a, b) => ops.concat([a, b], 0), uint8([1, 255])],
  'concat: bool': [[bool([1]), bool([0])], (a, b) => ops.concat([a, b], 0), bool([1, 0])],
  'gather: rows': [[matrix, int32([1, 0, 1])], (x, i) => ops.gather(x, i), float32([[4, 5, 6], [1, 2, 3], [4, 5, 6]])],
  'gather: columns': [[matrix, int32([2, 0])], (x, i) => ops.gather(x, i, 1), float32([[3, 1], [6, 4]])],
  'gather: one row': [[matrix, int32(1)], (x, i) => ops.gather(x, i), float32([4, 5, 6])],
  'gather: a matrix of indices': [
    [cube, int32([[0, 2], [1, 1]])],
    (x, i) => ops.gather(x, i, 1),
    float32([[[[1, 2], [5, 6]], [[3, 4], [3, 4]]], [[[7, 8], [11, 12]], [[9, 10], [9, 10]]]]),
  ],
  'gather: int32': [[int32([7, 8, 9]), int32([2])], (x, i) => ops.gather(x, i), int32([9])],
  'gather: uint8': [[uint8([7, 255]), int32([1, 1])], (x, i) => ops.gather(x, i), uint8([255, 255])],
  'gather: bool': [[bool([1, 0]), int32([1, 0])], (x, i) => ops.gather(x, i), bool([0, 1])],
});

export const constantCases = literalCases('exact', {
  'iota: a vector': [[], () => ops.iota([4]), int32([0, 1, 2, 3])],
  'iota: along the rows': [[], () => ops.iota([2, 3], 1), int32([[0, 1, 2], [0, 1, 2]])],
  'iota: down the columns': [[], () => ops.iota([3, 2], 0), int32([[0, 0], [1, 1], [2, 2]])],
  'iota: one value': [[], () => ops.iota([1, 1], 1), int32([[0]])],
  'constant: float32': [[], () => constant([0.5, -2], [2]), float32([0.5, -2])],
  'constant: int32': [[], () => constant([-7, 7], [2, 1], 'int32'), int32([[-7], [7]])],
  'constant: uint8': [[], () => constant([0, 255], [2], 'uint8'), uint8([0, 255])],
  'constant: bool': [[], () => constant([1, 0], [2], 'bool'), bool([1, 0])],
  'constant: a scalar': [[], () => scalar(0.25), float32(0.25)],
  'constant: computed with': [
    [float32([1, 2])],
    (x) => ops.mul(ops.add(x, constant([10, 20], [2])), scalar(2)),
    float32([22, 44]),
  ],
  'constant: a large one': [
    [float32(1)],
    (x) => ops.sum(ops.mul(x, constant(Float32Array.from({ length: 11000 }, (_, i) => i), [100, 110])), [1]),
    hostValue(Array.from({ length: 100 }, (_, row) => 12100 * row + 5995), [100]),
  ],
  'oneHot: of class indices': [[int32([2, 0])], (i) => ops.oneHot(i, 3), float32([[0, 0, 1], [1, 0, 0]])],
});
