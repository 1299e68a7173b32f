// Linear combinations of the taps of filters along both axes, or of what they have become, back: the other operation of
// this compiler's own. Each filter is read once and written once, where products with the matrices would take three passes.

import { Tensor } from '@bn/core';
import { Index } from '../ir/index-form.js';
import { readOnce } from './axes.js';
import { combinations, combineHalves } from './patch-transform.js';
import type { Rule } from './rule.js';

type Matrix = readonly (readonly number[])[];

export interface TapTransform {
  /** [results][elements] along columns and along rows of the kernel. */
  readonly along: readonly [columns: Matrix, rows: Matrix];
  /** From [out, in, height, width] to [points · out, in, 1, 1], points along rows the faster ones; or back. */
  readonly to: 'points' | 'taps';
}

type TapTransformNode = Tensor & { readonly attributes: TapTransform };

export function tapTransform(x: Tensor, attributes: TapTransform): Tensor {
  const { along, to } = attributes;
  const [out, channels] = x.shape as number[];
  const [height, width] = along.map((matrix) => matrix.length);
  const points = along.reduce((product, matrix) => product * matrix[0].length, 1);
  const shape = to === 'points' ? [height * width * out, channels, 1, 1] : [out / points, channels, height, width];
  return new Tensor('tapTransform' as never, [x], attributes as never, { shape, dtype: 'float32' });
}

export const tapTransformRule: Rule<never> = {
  ...{ parallel: () => [], contracted: () => [], takesLanes: () => false, mixesRows: () => false },
  ...{ products: () => 0, cost: 0, readsMemory: () => false, spreads: false },
  ...{ elementsRead: readOnce, rounding: () => 'bits' },
  nests: (node: TapTransformNode, target, lowering) => {
    const [x] = node.inputs;
    const { along, to } = node.attributes;
    const [columns, rows] = along;
    const [out, channels] = (to === 'points' ? x : node).shape as number[];
    const { loops, indices } = lowering.loops([out, channels], null, 'i');
    const [o, c] = indices;
    const tap = (row: number, column: number) => [o, c, new Index(row), new Index(column)];
    const pointOf = (width: number) => (row: number, column: number) => [
      ...[o.plus((row * width + column) * out), c],
      ...[new Index(0), new Index(0)],
    ];
    const [given, made] = to === 'points' ? [tap, pointOf(rows.length)] : [pointOf(rows[0].length), tap];
    const combine = (matrix: Matrix, elements: Parameters<typeof combinations>[1]) =>
      to === 'points' ? matrix.map((row) => combineHalves(row, elements)) : combinations(matrix, elements);
    const byRow = columns[0].map((_, row) =>
      combine(
        rows,
        rows[0].map((_, column) => lowering.at(x, given(row, column))),
      ),
    );
    const statements = rows.flatMap((_, column) =>
      combine(
        columns,
        byRow.map((row) => row[column]),
      ).map((value, row) => ({ target: lowering.write(target, made(row, column)), value, reduction: null })),
    );
    return [{ name: 'transform', outer: loops, inner: [], statements }];
  },
};
