// exp, log, tanh, sigmoid, erf, and GELU made of them.
// biome-ignore-all format: a matrix in one line is easier to compare than one in many.

import { ops } from '@bn/core';
import { float32 } from '../host-value.js';
import { literalCases } from '../literal-case.js';

const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;
const { E, LN2 } = Math;

export const transcendentalCases = literalCases('transcendental', {
  'exp: around zero': [[float32([[0, 1], [-1, 2]])], ops.exp, float32([[1, E], [1 / E, E * E]])],
  'exp: overflow and underflow': [[float32([1000, -1000])], ops.exp, float32([infinity, 0])],
  'exp: infinities and NaN': [[float32([infinity, -infinity, nan])], ops.exp, float32([infinity, 0, nan])],
  'log: powers of two': [[float32([1, 2, 0.5, 1024])], ops.log, float32([0, LN2, -LN2, 10 * LN2])],
  'log: outside its domain': [[float32([0, -1, nan])], ops.log, float32([-infinity, nan, nan])],
  'tanh: odd': [
    [float32([[0, 0.5], [-0.5, 2]])],
    ops.tanh,
    float32([[0, 0.46211715726000974], [-0.46211715726000974, 0.9640275800758169]]),
  ],
  'tanh: saturated': [[float32([-100, 100, nan])], ops.tanh, float32([-1, 1, nan])],
  'sigmoid: around zero': [
    [float32([[0, 2], [-2, 0.5]])],
    ops.sigmoid,
    float32([[0.5, 0.8807970779778823], [0.11920292202211755, 0.6224593312018546]]),
  ],
  'sigmoid: saturated without overflow': [[float32([-1000, 1000, nan])], ops.sigmoid, float32([0, 1, nan])],
  'erf: odd': [
    [float32([0, 0.5, -0.5, 1, 2])],
    ops.erf,
    float32([0, 0.5204998778130465, -0.5204998778130465, 0.8427007929497149, 0.9953222650189527]),
  ],
  'erf: saturated': [[float32([[-9, 9]])], ops.erf, float32([[-1, 1]])],
  'gelu: exact': [
    [float32([-1, 0, 2])],
    ops.gelu,
    float32([-0.15865525393145707, 0, 1.9544997361036416]),
  ],
  'geluTanh: approximate': [
    [float32([-1, 0, 2])],
    ops.geluTanh,
    float32([-0.15880800939172324, 0, 1.954597694087775]),
  ],
});
