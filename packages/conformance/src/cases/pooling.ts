// Average and max pooling and their gradients.

import { ops, type PoolingGeometry } from '@bn/core';
import { goldenOf } from '../data.js';
import { float32, hostValue, pattern } from '../host-value.js';
import { type LiteralCase, literalCases } from '../literal-case.js';

/** A case of the golden values. */
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

export const poolingCases: readonly LiteralCase[] = [
  ...goldenOf<Row>('pooling').flatMap((row) => [
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
      [
        float32([
          [
            [
              [-3, -1],
              [-4, -2],
            ],
          ],
        ]),
      ],
      (x) => ops.maxPool2d(x, { kernelSize: [2, 2], stride: [2, 2], padding: [1, 1, 1, 1], dilation: [1, 1] }),
      float32([
        [
          [
            [-3, -1],
            [-4, -2],
          ],
        ],
      ]),
    ],
    'maxPool2dGradient: the first of equals': [
      [
        float32([
          [
            [
              [5, 5, 1],
              [5, 5, 1],
            ],
          ],
        ]),
        float32([[[[1, 10]]]]),
      ],
      (x, dy) =>
        ops.maxPool2dGradient(x, dy, { kernelSize: [2, 2], stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1] }),
      float32([
        [
          [
            [1, 10, 0],
            [0, 0, 0],
          ],
        ],
      ]),
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
