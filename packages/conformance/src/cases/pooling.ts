// Average and max pooling and their gradients.
// biome-ignore-all format: long lists of numbers in few lines.

import { ops, type PoolingGeometry } from '@bn/core';
import { float32, hostValue, pattern } from '../host-value.js';
import { type LiteralCase, literalCases } from '../literal-case.js';

interface Row {
  readonly name: string;
  readonly x: readonly [number, number, number, number];
  readonly y: readonly [number, number, number, number];
  readonly geometry: PoolingGeometry;
  readonly average: readonly number[];
  readonly averageGradient: readonly number[];
  /** Where there is padding. */
  readonly averageWithoutPadding?: readonly number[];
  readonly averageWithoutPaddingGradient?: readonly number[];
  readonly max: readonly number[];
  readonly maxGradient: readonly number[];
}

// x = pattern(0), which has ties, and dy = pattern(2); expected values from jax.lax.reduce_window and jax.vjp.
const rows: readonly Row[] = [
  {
    name: '2×2 windows',
    x: [1, 1, 4, 4],
    y: [1, 1, 2, 2],
    geometry: { kernelSize: [2, 2], stride: [2, 2], padding: [0, 0, 0, 0], dilation: [1, 1] },
    average: [-1.25, 1.75, -0.25, 0],
    averageGradient: [0.25, 0.25, -0.75, -0.75, 0.25, 0.25, -0.75, -0.75, 1, 1, 0, 0, 1, 1, 0, 0],
    max: [2, 5, 3, 5],
    maxGradient: [0, 1, 0, -3, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0],
  },
  {
    name: 'overlapping windows that leave a column out',
    x: [2, 2, 4, 5],
    y: [2, 2, 2, 2],
    geometry: { kernelSize: [3, 2], stride: [1, 2], padding: [0, 0, 0, 0], dilation: [1, 1] },
    average: [-4/3, -1/6, -7/6, 0, 7/6, -4/3, 4/3, -7/6, 0, 7/6, 1/6, 4/3, -7/6, 0, -1, 1/6],
    averageGradient: [
      1/6, 1/6, -0.5, -0.5, 0, 5/6, 5/6, -0.5, -0.5, 0, 5/6, 5/6, -0.5, -0.5, 0, 2/3, 2/3, 0, 0, 0, -2/3, -2/3, 0.5,
      0.5, 0, -5/6, -5/6, -1/3, -1/3, 0, -5/6, -5/6, -1/3, -1/3, 0, -1/6, -1/6, -5/6, -5/6, 0, 1/3, 1/3, -1/3, -1/3,
      0, 7/6, 7/6, -1/6, -1/6, 0, 7/6, 7/6, -1/6, -1/6, 0, 5/6, 5/6, 1/6, 1/6, 0, -0.5, -0.5, 2/3, 2/3, 0, -0.5,
      -0.5, 0, 0, 0, -0.5, -0.5, 0, 0, 0, 0, 0, -2/3, -2/3, 0,
    ],
    max: [4, 5, 4, 4, 5, 4, 5, 4, 4, 5, 4, 5, 4, 4, 3, 4],
    maxGradient: [
      0, 0, 0, -3, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -5, 0, 0, -2, 0, 0, 0, 0, 0, 0, 0,
      0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
      0, 0, 0, 0, 0, 0, 0, 0,
    ],
  },
  {
    name: 'asymmetric padding',
    x: [1, 2, 3, 4],
    y: [1, 2, 3, 4],
    geometry: { kernelSize: [2, 2], stride: [1, 1], padding: [1, 0, 0, 1], dilation: [1, 1] },
    average: [
      -0.75, 0, 0.75, 1.25, -1.25, 0.25, 1.75, 1.25, -0.75, 0.75, -0.5, -1.25, 0, 0.75, 1.5, 0.25, 0.25, 1.75, 0.5,
      -0.75, 0.75, -0.5, -1.75, -0.5,
    ],
    averageGradient: [
      -0.75, -0.75, 0.75, -0.5, -0.5, -0.25, 1.25, 0, 0.5, 0, 0.75, 1.5, 0, 0.75, -0.5, -1.75, 0.25, 1.25, 0, -1.25,
      -0.5, 0.75, 1.5, -0.5,
    ],
    averageWithoutPadding: [
      -1.5, 0, 1.5, 5, -1.25, 0.25, 1.75, 2.5, -0.75, 0.75, -0.5, -2.5, 0, 1.5, 3, 1, 0.25, 1.75, 0.5, -1.5, 0.75,
      -0.5, -1.75, -1,
    ],
    averageWithoutPaddingGradient: [
      -0.5, -1.25, 1, -0.75, -0.5, -0.25, 1.25, -1, 0.5, 0, 0.75, 1.75, -0.75, 1, 0.5, -4.25, 0.25, 1.25, 0, -1.5,
      -0.5, 0.75, 1.5, -1.25,
    ],
    max: [2, 2, 5, 5, 2, 4, 5, 5, 3, 4, 4, 0, 2, 5, 5, 1, 4, 5, 5, 1, 4, 4, 2, 2],
    maxGradient: [0, -6, 0, -2, 0, 0, 6, 1, 0, 2, 0, 0, -3, 0, -2, -2, 0, 6, 0, 0, 0, 0, 0, -2],
  },
  {
    name: 'padding and stride',
    x: [1, 1, 5, 4],
    y: [1, 1, 3, 2],
    geometry: { kernelSize: [3, 3], stride: [2, 2], padding: [1, 1, 1, 1], dilation: [1, 1] },
    average: [-5/9, 2/3, -1/3, 2/9, 1/9, 4/9],
    averageGradient: [
      1/9, -2/9, -1/3, -1/3, 5/9, 2/9, -1/3, -1/3, 4/9, 4/9, 0, 0, 0, 1/3, 1/3, 1/3, -4/9, -1/9, 1/3, 1/3,
    ],
    averageWithoutPadding: [-1.25, 1, -0.5, 2/9, 0.25, 2/3],
    averageWithoutPaddingGradient: [
      0.25, -0.25, -0.5, -0.5, 11/12, 5/12, -0.5, -0.5, 2/3, 2/3, 0, 0, -1/3, 1/6, 0.5, 0.5, -1, -0.5, 0.5, 0.5,
    ],
    max: [2, 5, 3, 5, 4, 5],
    maxGradient: [0, 1, 0, -3, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 3, 0, 0, -4, 0, 0],
  },
  {
    name: 'dilation',
    x: [1, 1, 4, 4],
    y: [1, 1, 2, 3],
    geometry: { kernelSize: [2, 2], stride: [1, 1], padding: [0, 0, 0, 0], dilation: [2, 1] },
    average: [-1, 0.5, -0.75, -0.5, 1, 2.5],
    averageGradient: [0.25, -0.5, 0.25, 1, 0, -1, -0.25, 0.75, 0.25, -0.5, 0.25, 1, 0, -1, -0.25, 0.75],
    max: [3, 3, 5, 2, 5, 5],
    maxGradient: [0, 0, 0, 4, 0, 0, 0, 0, 0, -2, 0, 0, 0, 0, -1, 0],
  },
  {
    name: 'one window for the whole image',
    x: [2, 1, 3, 3],
    y: [2, 1, 1, 1],
    geometry: { kernelSize: [3, 3], stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1] },
    average: [-2/9, 4/9],
    averageGradient: [
      1/9, 1/9, 1/9, 1/9, 1/9, 1/9, 1/9, 1/9, 1/9, -1/3, -1/3, -1/3, -1/3, -1/3, -1/3, -1/3, -1/3, -1/3,
    ],
    max: [5, 5],
    maxGradient: [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -3, 0, 0, 0],
  },
];

export const poolingCases: readonly LiteralCase[] = [
  ...rows.flatMap((row) => [
    ...averageCases(row, true, row.average, row.averageGradient),
    ...averageCases(
      row,
      false,
      row.averageWithoutPadding ?? row.average,
      row.averageWithoutPaddingGradient ?? row.averageGradient,
    ),
    ...maxCases(row),
  ]),
  ...literalCases('exact', {
    'maxPool2d: padding never wins': [
      [float32([[[[-3, -1], [-4, -2]]]])],
      (x) => ops.maxPool2d(x, { kernelSize: [2, 2], stride: [2, 2], padding: [1, 1, 1, 1], dilation: [1, 1] }),
      float32([[[[-3, -1], [-4, -2]]]]),
    ],
    'maxPool2dGradient: the first of equals': [
      [float32([[[[5, 5, 1], [5, 5, 1]]]]), float32([[[[1, 10]]]])],
      (x, dy) =>
        ops.maxPool2dGradient(x, dy, { kernelSize: [2, 2], stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1] }),
      float32([[[[1, 10, 0], [0, 0, 0]]]]),
    ],
  }),
];

function averageCases(
  row: Row,
  countIncludesPadding: boolean,
  y: readonly number[],
  dx: readonly number[],
): LiteralCase[] {
  const [height, width] = row.x.slice(2);
  const geometry = { ...row.geometry, countIncludesPadding };
  const counting = countIncludesPadding ? 'padding counts' : 'padding does not count';
  return literalCases('reduction', {
    [`avgPool2d: ${row.name}, ${counting}`]: [
      [pattern(row.x, 0)],
      (x) => ops.avgPool2d(x, geometry),
      hostValue(y, row.y),
    ],
    [`avgPool2dGradient: ${row.name}, ${counting}`]: [
      [pattern(row.y, 2)],
      (dy) => ops.avgPool2dGradient(dy, { ...geometry, inputSize: [height, width] }),
      hostValue(dx, row.x),
    ],
  });
}

function maxCases({ name, x, y, geometry, max, maxGradient }: Row): LiteralCase[] {
  return literalCases('exact', {
    [`maxPool2d: ${name}`]: [[pattern(x, 0)], (a) => ops.maxPool2d(a, geometry), hostValue(max, y)],
    [`maxPool2dGradient: ${name}`]: [
      [pattern(x, 0), pattern(y, 2)],
      (a, dy) => ops.maxPool2dGradient(a, dy, geometry),
      hostValue(maxGradient, x),
    ],
  });
}
