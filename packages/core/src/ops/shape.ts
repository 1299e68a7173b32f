// Operations that move elements without computing: reshape, transpose, broadcast, pad, slice, concat, gather, iota.

import { apply, type Definitions, requireDType } from '../primitive.js';
import { type Dimension, formatShape, type Shape, sameShape, sizeOf, staticShape } from '../spec.js';
import { argumentError, shapeError, site, type Tensor } from '../tensor.js';
import { broadcastShapes, cast, equal, sumTo } from './elementwise.js';
import { matmul } from './matmul.js';
import { normalizeAxes } from './reduction.js';

export interface ShapeAttributes {
  reshape: { readonly shape: Shape };
  /** Axis i of the result is axis permutation[i] of the input. */
  transpose: { readonly permutation: readonly number[] };
  broadcastTo: { readonly shape: Shape };
  /** Elements added before and after, per axis. */
  pad: { readonly before: readonly number[]; readonly after: readonly number[]; readonly value: number };
  /** start[i] ≤ index < end[i]; `null` as an end keeps the whole of a symbolic axis. */
  slice: { readonly start: readonly number[]; readonly end: readonly Dimension[] };
  concat: { readonly axis: number };
  /** Inputs x and int32 indices: the entries of x along `axis` that the indices name. */
  gather: { readonly axis: number };
  /** 0, 1, 2 … along `axis`, equal along the others; int32. No inputs. */
  iota: { readonly shape: readonly number[]; readonly axis: number };
}

export const shapeOperations: Definitions<keyof ShapeAttributes> = {
  reshape: {
    spec: ([x], { shape }, op) => {
      const known = (s: Shape) => s.filter((n) => n !== null).reduce((a, b) => a * b, 1);
      const symbols = (s: Shape) => s.filter((n) => n === null).length;
      if (known(x.shape) !== known(shape) || symbols(x.shape) !== symbols(shape)) {
        const change = `${formatShape(x.shape)} cannot become ${formatShape(shape)}`;
        throw shapeError(op, `${change}; both must have the same number of elements`);
      }
      return { dtype: x.dtype, shape };
    },
    gradient: ({ inputs: [x] }, dy) => [reshape(dy, x.shape)],
  },
  transpose: {
    spec: ([x], { permutation }, op) => {
      const sorted = [...permutation].sort((a, b) => a - b);
      if (sorted.length === x.shape.length && sorted.every((axis, i) => axis === i)) {
        return { dtype: x.dtype, shape: permutation.map((axis) => x.shape[axis]!) };
      }
      const axes = `the axes of ${formatShape(x.shape)}`;
      throw argumentError(op, `[${permutation}] is not a permutation of ${axes}; name each axis once`);
    },
    gradient: ({ attributes: { permutation } }, dy) => {
      const inverse = permutation.map((_, axis) => permutation.indexOf(axis));
      return [transpose(dy, inverse)];
    },
  },
  broadcastTo: {
    spec: ([x], { shape }, op) => {
      if (!sameShape(broadcastShapes(op, [x, { shape }]), shape)) {
        const change = `${formatShape(x.shape)} does not broadcast to ${formatShape(shape)}`;
        throw shapeError(op, `${change}; only sizes 1 stretch`);
      }
      return { dtype: x.dtype, shape };
    },
    gradient: ({ inputs: [x] }, dy) => [sumTo(dy, x.shape)],
  },
  pad: {
    spec: ([x], { before, after }, op) => {
      requireRank(op, x, before, after);
      if ([...before, ...after].some((n) => n < 0)) {
        throw argumentError(op, `cannot add [${before}] and [${after}] elements; use slice() to cut`);
      }
      return { dtype: x.dtype, shape: x.shape.map((n, i) => grown(n, before[i]! + after[i]!, op)) };
    },
    gradient: ({ inputs: [x], attributes: { before } }, dy) => {
      const end = x.shape.map((n, i) => (n === null ? null : before[i]! + n));
      return [slice(dy, before, end)];
    },
  },
  slice: {
    spec: ([x], { start, end }, op) => {
      requireRank(op, x, start, end);
      const shape = x.shape.map((n, i) => {
        const [from, to] = [start[i]!, end[i]!];
        if (from === 0 && to === n) return n;
        if (n === null || to === null || from < 0 || to > n || from >= to) {
          const seen = `[${start}] to [${end}] is not inside ${formatShape(x.shape)}`;
          throw argumentError(op, `${seen}; expected 0 ≤ start < end ≤ size`);
        }
        return to - from;
      });
      return { dtype: x.dtype, shape };
    },
    gradient: ({ inputs: [x], attributes: { start, end } }, dy) => {
      const after = x.shape.map((n, i) => (n === null ? 0 : n - end[i]!));
      return [pad(dy, start, after)];
    },
  },
  concat: {
    spec: (inputs, { axis }, op) => {
      const dtype = requireDType(op, inputs, 'float32', 'int32', 'uint8', 'bool');
      const [first] = inputs as [Tensor, ...Tensor[]];
      const fits = ({ shape }: Tensor) =>
        shape.length === first.shape.length && shape.every((n, i) => (i === axis ? n !== null : n === first.shape[i]));
      if (!inputs.every(fits)) {
        const shapes = inputs.map((x) => formatShape(x.shape)).join(', ');
        throw shapeError(op, `shapes ${shapes} may differ along axis ${axis} only`);
      }
      const total = inputs.reduce((size, x) => size + x.shape[axis]!, 0);
      return { dtype, shape: first.shape.map((n, i) => (i === axis ? total : n)) };
    },
    gradient: ({ inputs, attributes: { axis } }, dy) => {
      let offset = 0;
      return inputs.map((x) => {
        const from = offset;
        offset += x.shape[axis]!;
        const start = dy.shape.map((_, i) => (i === axis ? from : 0));
        const end = dy.shape.map((n, i) => (i === axis ? offset : n));
        return slice(dy, start, end);
      });
    },
  },
  gather: {
    spec: ([x, indices], { axis }, op) => {
      requireDType(op, [indices], 'int32');
      if (x.shape[axis] === null) {
        throw shapeError(op, `the batch axis of ${formatShape(x.shape)} has no known end; use another axis`);
      }
      return { dtype: x.dtype, shape: x.shape.toSpliced(axis, 1, ...indices.shape) };
    },
    // The transpose of picking entries: a product with the one-hot matrix of the indices.
    gradient: ({ inputs: [x, indices], attributes: { axis } }, dy) => {
      const shape = staticShape(x.shape, site('gradient of gather'));
      const [outer, size, inner] = [sizeOf(shape.slice(0, axis)), shape[axis]!, sizeOf(shape.slice(axis + 1))];
      const count = sizeOf(indices.shape);
      const oneHot = cast(equal(reshape(indices, [count, 1]), iota([count, size], 1)), 'float32');
      const stacked = broadcastTo(oneHot, [outer, count, size]);
      return [reshape(matmul(stacked, reshape(dy, [outer, count, inner]), { transposeA: true }), shape), null];
    },
  },
  iota: {
    spec: (_, { shape, axis }, op) => {
      if (shape[axis] !== undefined) return { dtype: 'int32', shape };
      throw argumentError(op, `there is no axis ${axis} in ${formatShape(shape)}; use 0 to ${shape.length - 1}`);
    },
  },
};

/** The same elements in row-major order with another shape; one size may be −1 and is worked out. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  const resolved = shape.includes(-1) ? inferSize(x, shape) : shape;
  return sameShape(x.shape, resolved) ? x : apply(shapeOperations, 'reshape', [x], { shape: resolved });
}

/** Axis i of the result is axis `permutation[i]` of x; without a permutation the axes are reversed. */
export function transpose(
  x: Tensor,
  permutation: readonly number[] = x.shape.map((_, i) => x.shape.length - 1 - i),
): Tensor {
  const same = permutation.length === x.shape.length && permutation.every((axis, i) => axis === i);
  return same ? x : apply(shapeOperations, 'transpose', [x], { permutation });
}

/** x repeated along axes of size 1 and along new leading axes. */
export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  return sameShape(x.shape, shape) ? x : apply(shapeOperations, 'broadcastTo', [x], { shape });
}

/** x with `before[i]` and `after[i]` elements of `value` added along axis i. */
export function pad(x: Tensor, before: readonly number[], after: readonly number[], value = 0): Tensor {
  if ([...before, ...after].every((n) => n === 0)) return x;
  return apply(shapeOperations, 'pad', [x], { before, after, value });
}

/** The part of x with start[i] ≤ index < end[i] along every axis i. */
export function slice(x: Tensor, start: readonly number[], end: readonly Dimension[]): Tensor {
  const whole = x.shape.every((n, i) => start[i] === 0 && end[i] === n);
  return whole ? x : apply(shapeOperations, 'slice', [x], { start, end });
}

/** Tensors joined along an existing axis. */
export function concat(inputs: readonly Tensor[], axis: number): Tensor {
  if (inputs.length === 0) throw argumentError('concat', 'needs at least one tensor');
  if (inputs.length === 1) return inputs[0]!;
  return apply(shapeOperations, 'concat', inputs, { axis: normalizeAxes('concat', inputs[0]!, [axis])[0]! });
}

/** Entries of x along `axis`, named by int32 `indices`; one outside 0 ≤ index < size is an error when the graph runs. */
export function gather(x: Tensor, indices: Tensor, axis = 0): Tensor {
  return apply(shapeOperations, 'gather', [x, indices], { axis: normalizeAxes('gather', x, [axis])[0]! });
}

/** int32 counting 0, 1, 2 … along `axis`. */
export function iota(shape: readonly number[], axis = 0): Tensor {
  return apply(shapeOperations, 'iota', [], { shape, axis });
}

function inferSize(x: Tensor, shape: Shape): Shape {
  const product = (s: Shape) => s.reduce<number>((a, n) => (n === null || n === -1 ? a : a * n), 1);
  const symbolic = x.shape.includes(null) && !shape.includes(null);
  return shape.map((n) =>
    n === -1 ? (symbolic && product(x.shape) === product(shape) ? null : product(x.shape) / product(shape)) : n,
  );
}

function requireRank(op: string, x: Tensor, ...lists: readonly (readonly unknown[])[]): void {
  if (lists.some((list) => list.length !== x.shape.length)) {
    throw argumentError(op, `expected one entry per axis of ${formatShape(x.shape)}`);
  }
}

function grown(n: Dimension, by: number, op: string): Dimension {
  if (n !== null) return n + by;
  if (by === 0) return null;
  throw shapeError(op, 'nothing can be added along the batch, which may have any size');
}
