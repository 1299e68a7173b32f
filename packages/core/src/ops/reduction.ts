// Reductions along axes: sum, largest value, index of the largest value.

import { apply, type Definitions, requireDType } from '../primitive.js';
import { formatShape, type Shape, sizeOf } from '../spec.js';
import { argumentError, scalar, shapeError, type Tensor } from '../tensor.js';
import { cast, div, equal, mul } from './elementwise.js';
import { broadcastTo, reshape } from './shape.js';

export interface ReduceAttributes {
  /** Sorted, not negative, without repetition. */
  readonly axes: readonly number[];
  /** Keep the reduced axes with size 1. */
  readonly keepDims: boolean;
}
export interface ReductionAttributes {
  sum: ReduceAttributes;
  max: ReduceAttributes;
  /** Index of the first largest value along one axis, which is removed; int32. */
  argmax: { readonly axis: number };
}

export const reduction: Definitions<keyof ReductionAttributes> = {
  sum: {
    spec: ([x], attributes, op) => ({
      dtype: requireDType(op, [x], 'float32', 'int32'),
      shape: reducedShape(x.shape, attributes),
    }),
    gradient: ({ inputs: [x], attributes }, dy) => [
      broadcastTo(reshape(dy, reducedShape(x.shape, { ...attributes, keepDims: true })), x.shape),
    ],
  },
  max: {
    spec: ([x], attributes, op) => {
      requireElements(op, x, attributes.axes);
      return { dtype: requireDType(op, [x], 'float32', 'int32'), shape: reducedShape(x.shape, attributes) };
    },
    // Equal largest values share the gradient evenly.
    gradient: (y, dy) => {
      const [x] = y.inputs;
      const kept = reducedShape(x.shape, { ...y.attributes, keepDims: true });
      const largest = cast(equal(x, reshape(y, kept)), 'float32');
      return [mul(largest, div(reshape(dy, kept), sum(largest, y.attributes.axes, { keepDims: true })))];
    },
  },
  argmax: {
    spec: ([x], { axis }, op) => {
      requireElements(op, x, [axis]);
      requireDType(op, [x], 'float32', 'int32');
      return { dtype: 'int32', shape: reducedShape(x.shape, { axes: [axis], keepDims: false }) };
    },
  },
};

export interface ReductionOptions {
  /** The axes stay, of size 1. */
  readonly keepDims?: boolean | undefined;
}

/** Sum along `axes` (all when left out; negative ones count from the end). */
export function sum(x: Tensor, axes?: readonly number[], { keepDims = false }: ReductionOptions = {}): Tensor {
  return apply(reduction, 'sum', [x], { axes: normalizeAxes('sum', x, axes), keepDims });
}

/** Largest value along `axes` (all when left out). */
export function max(x: Tensor, axes?: readonly number[], { keepDims = false }: ReductionOptions = {}): Tensor {
  return apply(reduction, 'max', [x], { axes: normalizeAxes('max', x, axes), keepDims });
}

/** Index (int32) of the largest value along `axis`, the first if several are equal. */
export function argmax(x: Tensor, axis = -1): Tensor {
  return apply(reduction, 'argmax', [x], { axis: normalizeAxes('argmax', x, [axis])[0]! });
}

/** Arithmetic mean along `axes` (all when left out). */
export function mean(x: Tensor, axes?: readonly number[], { keepDims = false }: ReductionOptions = {}): Tensor {
  const along = normalizeAxes('mean', x, axes);
  const sizes: Shape = along.map((axis) => x.shape[axis]!);
  const known = sizeOf(sizes.filter((n) => n !== null));
  const total = sum(x, along, { keepDims });
  if (!sizes.includes(null)) return mul(total, scalar(1 / known));
  return div(total, mul(sum(broadcastTo(scalar(1), [null])), scalar(known))); // the batch is counted in the run
}

/** Axes as the primitives want them: sorted, not negative, distinct; throws `argument` for axes that x does not have. */
export function normalizeAxes(op: string, x: Tensor, axes?: readonly number[]): number[] {
  const rank = x.shape.length;
  const result = (axes ?? x.shape.map((_, i) => i))
    .map((axis) => (axis < 0 ? axis + rank : axis))
    .sort((a, b) => a - b);
  if (result.some((axis, i) => !Number.isInteger(axis) || axis < 0 || axis >= rank || axis === result[i - 1])) {
    const expected = `distinct axes of ${formatShape(x.shape)}; use ${-rank} to ${rank - 1}`;
    throw argumentError(op, `axes [${axes}] are not ${expected}`);
  }
  return result;
}

/** Throws `shape` if there is nothing to find the largest of. */
function requireElements(op: string, { shape }: Tensor, axes: readonly number[]): void {
  const empty = axes.find((axis) => shape[axis] === 0);
  if (empty === undefined) return;
  throw shapeError(op, `axis ${empty} of ${formatShape(shape)} is empty; it needs at least one element`);
}

function reducedShape(shape: Shape, { axes, keepDims }: ReduceAttributes): Shape {
  return keepDims ? shape.map((n, i) => (axes.includes(i) ? 1 : n)) : shape.filter((_, i) => !axes.includes(i));
}
