// Mean and variance over some axes, and what normalizes by them.

import { customGradient, square, stopGradient } from '../ops/composed.js';
import { add, div, mul, sqrt, sub } from '../ops/elementwise.js';
import { max, mean } from '../ops/reduction.js';
import { slice } from '../ops/shape.js';
import { formatShape, type Shape } from '../spec.js';
import { shapeError, type Tensor } from '../tensor.js';

/** All with the reduced axes kept as size 1, but for `shifted`. */
export interface Moments {
  readonly axes: readonly number[];
  /** Sizes of the axes that are reduced. */
  readonly sizes: Shape;
  readonly mean: Tensor;
  /** x − pivot, where the pivot is one of the values. */
  readonly shifted: Tensor;
  /** The mean of `shifted`. */
  readonly shift: Tensor;
  /** Of the population. */
  readonly variance: Tensor;
}

/**
 * Mean and population variance over `axes`, in two passes: E[x²] − E[x]² would lose all digits for large means.
 *
 * The mean is one of the values, the pivot, plus the mean of x − pivot. That difference is exact where the mean is
 * large beside the deviation, and zero where all values are equal, in whatever order a runtime sums: what is normalized is
 * exactly zero there, and a far mean costs no digits.
 *
 * @param what the layer, and what has one value alone if there are no others: for the message of the error `shape`
 */
export function moments(
  x: Tensor,
  axes: readonly number[],
  what: { layer: string; alone: string; cure: string },
): Moments {
  const sizes = axes.map((i) => x.shape[i]!);
  if (sizes.every((n) => n === 1)) {
    const seen = `one value per ${what.alone}, input ${formatShape(x.shape)}`;
    throw shapeError(what.layer, `${seen}: its variance is zero; ${what.cure}`);
  }
  const meanOf = (values: Tensor) => mean(values, axes, { keepDims: true });
  const pivot = stopGradient(anyAlong(axes, x)); // results do not depend on which it is
  const shifted = sub(x, pivot);
  const shift = meanOf(shifted);
  // Not x − mean: that lies on a grid where x does, and its squares are rounded to one side by float32 sums.
  const variance = meanOf(square(sub(shifted, shift)));
  return { axes, sizes, mean: add(pivot, shift), shifted, shift, variance };
}

/** An element along these axes, which stay as size 1: the first; of a batch of any size, the largest of the first ones. */
function anyAlong(axes: readonly number[], x: Tensor): Tensor {
  const open = axes.filter((axis) => x.shape[axis] === null);
  const start = x.shape.map(() => 0);
  const end = x.shape.map((n, i) => (axes.includes(i) && n !== null ? 1 : n));
  const first = slice(x, start, end);
  return open.length > 0 ? max(first, open, { keepDims: true }) : first;
}

/** (x − mean) / √(variance + epsilon), with the gradient derived by hand: two reductions, one pass over x. */
export function standardize(x: Tensor, { axes, shifted, shift, variance }: Moments, epsilon: number): Tensor {
  const s = div(1, sqrt(add(variance, epsilon)));
  const meanOf = (values: Tensor) => mean(values, axes, { keepDims: true });
  // With y = (x − mean)·s:  dx = s·(dy − mean(dy) − y·mean(dy·y))
  return customGradient(
    [x],
    () => mul(sub(shifted, shift), s),
    (dy, y) => [mul(sub(sub(dy, meanOf(dy)), mul(y, meanOf(mul(dy, y)))), s)],
  );
}
