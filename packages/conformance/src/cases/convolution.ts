// conv2d and its two gradients.

import { type ConvolutionGeometry, ops } from '@bn/core';
import { goldenOf } from '../data.js';
import { hostValue, pattern } from '../host-value.js';
import { type LiteralCase, literalCases } from '../literal-case.js';

/** A case of the golden values. */
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

export const convolutionCases: readonly LiteralCase[] = goldenOf<Row>('convolution').flatMap((row) => {
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
