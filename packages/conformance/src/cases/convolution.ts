// conv2d and its two gradients.
// biome-ignore-all format: long lists of numbers in few lines.

import { type ConvolutionGeometry, ops } from '@bn/core';
import { hostValue, pattern } from '../host-value.js';
import { type LiteralCase, literalCases } from '../literal-case.js';

interface Row {
  readonly name: string;
  readonly x: readonly [number, number, number, number];
  readonly filter: readonly [number, number, number, number];
  readonly y: readonly [number, number, number, number];
  readonly geometry: ConvolutionGeometry;
  readonly conv2d: readonly number[];
  readonly inputGradient: readonly number[];
  readonly filterGradient: readonly number[];
}

// x = pattern(0), filter = pattern(1), dy = pattern(2); expected values from jax.lax.conv_general_dilated and jax.vjp.
const rows: readonly Row[] = [
  {
    name: 'one channel',
    x: [1, 1, 3, 3],
    filter: [1, 1, 2, 2],
    y: [1, 1, 2, 2],
    geometry: { stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1], groups: 1 },
    conv2d: [22, -4, -1, -5],
    inputGradient: [-2, 11, -15, -7, 14, 9, 4, -12, 0],
    filterGradient: [9, 12, 18, 10],
  },
  {
    name: 'batch and channels',
    x: [2, 2, 3, 4],
    filter: [3, 2, 2, 2],
    y: [2, 3, 2, 3],
    geometry: { stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1], groups: 1 },
    conv2d: [
      62, -53, 41, -57, 37, 32, 36, -23, -5, -24, -6, 23, 10, 7, -51, 9, -49, 14, 41, 36, -57, 32, -61, 66, -5, 24,
      -24, 23, -25, 37, -51, 12, 9, 14, 11, 8,
    ],
    inputGradient: [
      -1, 33, -16, 10, -8, 30, -41, -2, -16, 23, 1, -10, 14, -64, 29, 2, 15, -13, 2, 19, 14, -33, 10, 8, 6, -57, 26,
      -10, -4, 6, 34, 3, 14, -32, 1, 15, -10, 26, -57, 6, 34, 26, -58, 6, -31, 37, 3, -9,
    ],
    filterGradient: [
      55, -18, -17, -57, -18, -58, -57, 35, -2, 65, 68, -52, 65, -55, -52, -62, -15, 27, 21, 19, 27, 25, 19, -16,
    ],
  },
  {
    name: 'stride and asymmetric padding',
    x: [1, 2, 4, 5],
    filter: [2, 2, 3, 2],
    y: [1, 2, 2, 6],
    geometry: { stride: [2, 1], padding: [1, 0, 0, 2], dilation: [1, 1], groups: 1 },
    conv2d: [-13, 58, -36, 2, 15, 0, 2, -34, 62, -29, -11, 0, -15, -36, 97, -45, 7, 0, 53, 11, -53, 92, -18, 0],
    inputGradient: [
      10, -30, 29, 0, -29, -19, 10, -37, 37, -10, 14, -28, 31, -31, 28, -4, 0, 0, 0, 0, 14, -28, 19, 0, -19, -3, -3,
      3, 31, -62, 26, -10, 37, -37, 10, 8, -37, 28, -28, 37,
    ],
    filterGradient: [
      6, -18, 36, 9, -25, -21, -24, 22, 1, 10, -5, 2, 6, 3, -8, 40, 27, -21, 3, -19, -22, -6, -20, -12,
    ],
  },
  {
    name: 'dilation',
    x: [1, 1, 4, 6],
    filter: [1, 1, 2, 3],
    y: [1, 1, 4, 3],
    geometry: { stride: [1, 1], padding: [0, 1, 1, 0], dilation: [1, 2], groups: 1 },
    conv2d: [15, -27, 30, -5, -15, 20, -25, 30, 21, -21, 10, 5],
    inputGradient: [6, -3, -15, 21, -3, 4, 17, -14, -32, 31, -4, 3, 22, -18, -41, 21, -5, 2, 5, -22, 5, 11, 5, 1],
    filterGradient: [-11, 54, -20, -34, -6, 40],
  },
  {
    name: 'two groups',
    x: [1, 4, 3, 3],
    filter: [4, 2, 2, 2],
    y: [1, 4, 2, 2],
    geometry: { stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1], groups: 2 },
    conv2d: [20, 15, -6, 11, 3, 32, -9, 42, 64, -60, 55, -25, 21, -47, 26, 2],
    inputGradient: [
      2, 28, -30, -14, 38, 28, 2, -20, 10, -16, -1, 3, 19, -36, -2, -13, 23, -20, -3, 5, -4, -6, -16, 10, 15, -18,
      -1, 2, -11, 8, -26, 46, -40, -10, 27, 25,
    ],
    filterGradient: [
      9, 12, 18, 10, 14, 6, 12, -29, 16, 0, -21, 7, -7, -34, 0, 6, -2, -37, 3, 12, -31, 22, -37, 16, 4, 16, -37, 19,
      13, -8, 16, -5,
    ],
  },
  {
    name: 'depthwise',
    x: [1, 3, 3, 3],
    filter: [6, 1, 2, 2],
    y: [1, 6, 2, 2],
    geometry: { stride: [2, 2], padding: [1, 1, 1, 1], dilation: [1, 1], groups: 3 },
    conv2d: [15, 8, 13, -5, -15, -14, 12, -8, -6, 8, -12, -37, 12, -17, 6, 20, 0, -15, 6, 6, 0, 23, -12, 24],
    inputGradient: [
      -15, -15, 18, 20, -20, 0, -15, 20, -15, -16, -16, 20, -25, -21, -9, -10, 14, -18, -13, -13, 26, 22, 15, -14,
      10, 12, -17,
    ],
    filterGradient: [0, 20, -6, 17, -5, 10, 6, 30, -2, 15, -1, 25, 8, -20, 8, -45, -10, 9, 14, 9, 15, -7, -35, 10],
  },
  {
    name: '1×1 kernel',
    x: [2, 3, 2, 2],
    filter: [2, 3, 1, 1],
    y: [2, 2, 2, 2],
    geometry: { stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1], groups: 1 },
    conv2d: [11, -16, 23, -15, 19, -18, 22, -15, -16, 23, -15, -20, -18, 22, -15, -19],
    inputGradient: [10, -3, -5, 15, -11, -3, 16, -20, 1, -3, 4, 0, 5, -8, -10, 10, -2, 6, 25, -11, 2, -2, 5, 1],
    filterGradient: [15, 8, -32, -15, 24, 30],
  },
  {
    name: 'kernel as large as the image',
    x: [1, 2, 3, 3],
    filter: [2, 2, 3, 3],
    y: [1, 2, 1, 1],
    geometry: { stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1], groups: 1 },
    conv2d: [-31, -32],
    inputGradient: [-11, 8, 16, -9, 10, -15, -7, 12, -13, -5, 14, -11, 8, 16, -9, 10, -15, -7],
    filterGradient: [
      -5, 2, -2, 5, 1, -3, 4, 0, -4, 3, -1, -5, 2, -2, 5, 1, -3, 4, 15, -6, 6, -15, -3, 9, -12, 0, 12, -9, 3, 15,
      -6, 6, -15, -3, 9, -12,
    ],
  },
  {
    name: 'a stride that leaves rows out',
    x: [1, 1, 6, 5],
    filter: [1, 1, 3, 2],
    y: [1, 1, 2, 2],
    geometry: { stride: [2, 2], padding: [0, 0, 0, 0], dilation: [1, 1], groups: 1 },
    conv2d: [1, 49, -1, -30],
    inputGradient: [
      -2, 5, 6, -15, 0, 1, -3, -3, 9, 0, -4, 20, -12, 0, 0, 4, -12, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ],
    filterGradient: [-3, -33, 1, 4, 5, -3],
  },
  {
    name: 'everything at once',
    x: [1, 4, 5, 6],
    filter: [2, 2, 2, 3],
    y: [1, 2, 2, 7],
    geometry: { stride: [2, 1], padding: [1, 2, 0, 1], dilation: [2, 1], groups: 2 },
    conv2d: [
      -10, 24, -29, -35, 47, -25, -25, -3, 42, -61, 13, 21, -59, 14, 0, 15, -31, -29, 6, 8, 12, 42, -25, -56, 34,
      -8, 49, -16,
    ],
    inputGradient: [
      0, 0, 0, 0, 0, 0, -15, -2, 33, -9, -7, 13, 0, 0, 0, 0, 0, 0, 14, -23, 17, 13, -24, 16, 0, 0, 0, 0, 0, 0, 0, 0,
      0, 0, 0, 0, -9, -14, 25, -13, -7, 7, 0, 0, 0, 0, 0, 0, 24, -33, 9, 7, -28, 14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
      0, 0, -17, 26, -19, -20, 23, 7, 0, 0, 0, 0, 0, 0, -32, 12, 12, -32, 12, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
      0, -21, -18, 18, -23, -20, 31, 0, 0, 0, 0, 0, 0, 17, 19, -23, 12, 14, -26, 0, 0, 0, 0, 0, 0,
    ],
    filterGradient: [
      -25, -26, 17, 8, 23, -53, -20, -19, 15, 15, 29, -54, 6, -32, 15, -26, 63, -49, 50, -31, -26, -51, 68, -7,
    ],
  },
  {
    name: 'windows that see padding alone',
    x: [1, 1, 1, 2],
    filter: [1, 1, 1, 1],
    y: [1, 1, 1, 2],
    geometry: { stride: [2, 1], padding: [1, 0, 0, 0], dilation: [1, 1], groups: 1 },
    conv2d: [0, 0],
    inputGradient: [0, 0],
    filterGradient: [0],
  },
];

export const convolutionCases: readonly LiteralCase[] = rows.flatMap((row) => {
  const { name, geometry } = row;
  const [x, filter, dy] = [pattern(row.x, 0), pattern(row.filter, 1), pattern(row.y, 2)];
  const inputSize = [row.x[2], row.x[3]] as const;
  const kernelSize = [row.filter[2], row.filter[3]] as const;
  return literalCases('product', {
    [`conv2d: ${name}`]: [[x, filter], (a, w) => ops.conv2d(a, w, geometry), hostValue(row.conv2d, row.y)],
    [`conv2dInputGradient: ${name}`]: [
      [dy, filter],
      (g, w) => ops.conv2dInputGradient(g, w, { ...geometry, inputSize }),
      hostValue(row.inputGradient, row.x),
    ],
    [`conv2dFilterGradient: ${name}`]: [
      [x, dy],
      (a, g) => ops.conv2dFilterGradient(a, g, { ...geometry, kernelSize }),
      hostValue(row.filterGradient, row.filter),
    ],
  });
});
