// Elementwise operations. Binary ones broadcast as NumPy does: shapes are aligned at the right, sizes 1 stretch.

import { apply, type Definitions, type None, requireDType } from '../primitive.js';
import { type Dimension, type DType, formatShape, type Shape, sameShape } from '../spec.js';
import { scalar, shapeError, type Tensor } from '../tensor.js';
import { sum } from './reduction.js';
import { reshape } from './shape.js';

export interface ElementwiseAttributes {
  add: None;
  sub: None;
  mul: None;
  div: None;
  maximum: None;
  minimum: None;
  neg: None;
  exp: None;
  log: None;
  sqrt: None;
  tanh: None;
  sigmoid: None;
  erf: None;
  equal: None;
  less: None;
  where: None;
  cast: { readonly dtype: DType };
}
type ElementwiseName = keyof ElementwiseAttributes;
type UnaryName = 'neg' | 'exp' | 'log' | 'sqrt' | 'tanh' | 'sigmoid' | 'erf';
export type BinaryName = 'add' | 'sub' | 'mul' | 'div' | 'maximum' | 'minimum' | 'equal' | 'less';

/** A tensor, or a number that takes the other operand's dtype. */
export type Operand = Tensor | number;

const ofDTypes =
  (...dtypes: readonly DType[]) =>
  (inputs: readonly Tensor[], _: None, op: string) => ({
    dtype: requireDType(op, inputs, ...dtypes),
    shape: broadcastShapes(op, inputs),
  });
const arithmetic = ofDTypes('float32', 'int32');
const floating = ofDTypes('float32');
const comparison = (inputs: readonly Tensor[], _: None, op: string) => {
  requireDType(op, inputs, 'float32', 'int32', 'uint8', 'bool');
  return { dtype: 'bool' as const, shape: broadcastShapes(op, inputs) };
};

export const elementwise: Definitions<ElementwiseName> = {
  add: {
    spec: arithmetic,
    gradient: ({ inputs: [a, b] }, dy) => [sumTo(dy, a.shape), sumTo(dy, b.shape)],
  },
  sub: {
    spec: arithmetic,
    gradient: ({ inputs: [a, b] }, dy) => [sumTo(dy, a.shape), sumTo(neg(dy), b.shape)],
  },
  mul: {
    spec: arithmetic,
    gradient: ({ inputs: [a, b] }, dy) => [sumTo(mul(dy, b), a.shape), sumTo(mul(dy, a), b.shape)],
  },
  div: {
    spec: floating,
    // d(a/b) = da/b − (a/b)·db/b
    gradient: (y, dy) => {
      const [a, b] = y.inputs;
      const da = div(dy, b);
      return [sumTo(da, a.shape), sumTo(neg(mul(da, y)), b.shape)];
    },
  },
  // Where both are equal the gradient goes to the second, so that relu = maximum(x, 0) has gradient 0 at 0.
  maximum: { spec: arithmetic, gradient: ({ inputs: [a, b] }, dy) => choose(less(b, a), a, b, dy) },
  minimum: { spec: arithmetic, gradient: ({ inputs: [a, b] }, dy) => choose(less(a, b), a, b, dy) },
  neg: { spec: arithmetic, gradient: (_, dy) => [neg(dy)] },
  exp: { spec: floating, gradient: (y, dy) => [mul(dy, y)] },
  log: { spec: floating, gradient: ({ inputs: [x] }, dy) => [div(dy, x)] },
  sqrt: { spec: floating, gradient: (y, dy) => [div(dy, mul(y, 2))] },
  tanh: { spec: floating, gradient: (y, dy) => [mul(dy, sub(1, mul(y, y)))] },
  sigmoid: { spec: floating, gradient: (y, dy) => [mul(dy, mul(y, sub(1, y)))] },
  // d erf(x) = 2/√π · exp(−x²) dx
  erf: {
    spec: floating,
    gradient: ({ inputs: [x] }, dy) => [mul(dy, mul(exp(neg(mul(x, x))), 2 / Math.sqrt(Math.PI)))],
  },
  equal: { spec: comparison },
  less: { spec: comparison },
  where: {
    spec: (inputs, _, op) => {
      requireDType(op, inputs.slice(0, 1), 'bool');
      const dtype = requireDType(op, inputs.slice(1), 'float32', 'int32', 'uint8', 'bool');
      return { dtype, shape: broadcastShapes(op, inputs) };
    },
    gradient: ({ inputs: [condition, a, b] }, dy) => [null, ...choose(condition, a, b, dy)],
  },
  cast: {
    spec: ([x], { dtype }) => ({ shape: x.shape, dtype }),
    // float32 → float32 never becomes a node; to and from integers nothing can be differentiated.
  },
};

export const add = binary('add');
export const sub = binary('sub');
export const mul = binary('mul');
export const div = binary('div');
/** The larger of two values, elementwise. For the largest along axes see `max`. */
export const maximum = binary('maximum');
/** The smaller of two values, elementwise. */
export const minimum = binary('minimum');
export const neg = unary('neg');
export const exp = unary('exp');
/** Natural logarithm. */
export const log = unary('log');
export const sqrt = unary('sqrt');
export const tanh = unary('tanh');
/** 1 / (1 + exp(−x)). */
export const sigmoid = unary('sigmoid');
/** The error function. */
export const erf = unary('erf');
/** a = b, as bool. */
export const equal = binary('equal');
/** a < b, as bool. */
export const less = binary('less');
/** a > b, as bool. */
export function greater(a: Operand, b: Operand): Tensor {
  return less(b, a);
}
/** `a` where `condition` (bool) holds, else `b`. */
export function where(condition: Tensor, a: Operand, b: Operand): Tensor {
  return apply(elementwise, 'where', [condition, ...operands(a, b)], {});
}
/** Conversion of the element type; floats are cut towards zero on the way to integers. */
export function cast(x: Tensor, dtype: DType): Tensor {
  return x.dtype === dtype ? x : apply(elementwise, 'cast', [x], { dtype });
}

function unary(op: UnaryName): (x: Tensor) => Tensor {
  return (x) => apply(elementwise, op, [x], {});
}

function binary(op: BinaryName): (a: Operand, b: Operand) => Tensor {
  return (a, b) => apply(elementwise, op, operands(a, b), {});
}

function operands(a: Operand, b: Operand): [Tensor, Tensor] {
  const dtype = typeof a !== 'number' ? a.dtype : typeof b !== 'number' ? b.dtype : 'float32';
  const tensor = (x: Operand) => (typeof x === 'number' ? scalar(x, dtype) : x);
  return [tensor(a), tensor(b)];
}

/** The gradients of a choice between `a` (where `condition`) and `b`. */
function choose(condition: Tensor, a: Tensor, b: Tensor, dy: Tensor): [Tensor, Tensor] {
  return [sumTo(where(condition, dy, 0), a.shape), sumTo(where(condition, 0, dy), b.shape)];
}

/** The transpose of broadcasting: sums over the axes along which `shape` was stretched. */
export function sumTo(dy: Tensor, shape: Shape): Tensor {
  if (sameShape(dy.shape, shape)) return dy;
  const added = dy.shape.length - shape.length;
  const axes = dy.shape.flatMap((n, i) => (i < added || (shape[i - added] === 1 && n !== 1) ? [i] : []));
  return reshape(sum(dy, axes, { keepDims: true }), shape);
}

/** The shape that all inputs broadcast to; throws `shape` if there is none. */
export function broadcastShapes(op: string, inputs: readonly { readonly shape: Shape }[]): Shape {
  let rank = 0;
  for (let k = 0; k < inputs.length; k++) rank = Math.max(rank, inputs[k]!.shape.length);
  const result: Dimension[] = [];
  for (let i = 0; i < rank; i++) {
    let size: Dimension = 1;
    for (let k = 0; k < inputs.length; k++) {
      const { shape } = inputs[k]!;
      const n = i < rank - shape.length ? 1 : shape[i - (rank - shape.length)]!;
      if (n === 1 || n === size) continue;
      if (size !== 1) {
        const shapes = inputs.map((x) => formatShape(x.shape)).join(' and ');
        throw shapeError(op, `shapes ${shapes} do not broadcast; sizes must be equal or 1, from the right`);
      }
      size = n;
    }
    result.push(size);
  }
  return result;
}
