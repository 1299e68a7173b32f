// Elementwise operators. Of integers that are known, as shapes are, the numbers are computed at once.

import { type DType, ops, type Shape, scalar, type Tensor } from '@bn/core';
import { damaged } from '../damaged.js';
import type { NodeContext } from '../node-context.js';
import { dtypeOf } from '../read-tensor.js';
import type { ImportRule, ImportRules } from '../rules.js';
import { type Constant, combined, integers, isConstant, isEmpty, isKnown, type Numbers, type Value } from '../value.js';
import { abs, wholePower } from './activations.js';

type Binary = (a: Tensor, b: Tensor) => Tensor;

/** `neutral`: the second operand that leaves the first as it is, also where that is the unknown size of the batch. */
const arithmetic =
  (operation: Binary, numbers: Numbers, neutral?: number): ImportRule =>
  (node) => {
    const values = node.node.inputs.map((_, i) => node.value(i));
    const isWrapping = values[0]!.dtype === 'uint8';
    if (values.every(isKnown) && !isWrapping) return values.reduce((a, b) => combined(a, b, numbers, { neutral }));
    if (values.some(isEmpty)) return nothing(values[0]!.dtype, ops.broadcastShapes('its inputs', values));
    return node.tensors().reduce((a, b) => operation(a, b));
  };

const unary =
  (operation: (x: Tensor) => Tensor, numbers?: (x: number) => number): ImportRule =>
  (node) => {
    const x = node.value(0);
    if (isEmpty(x)) return nothing(x.dtype, x.shape);
    if (!numbers || !isKnown(x) || x.data.includes(null as never)) return operation(node.tensor(0));
    return integers(Array.from(x.data as readonly number[], numbers), x.shape);
  };

export const elementwise: ImportRules = {
  Add: arithmetic(ofBytes(ops.add), (a, b) => a + b, 0),
  Sub: arithmetic(ofBytes(ops.sub), (a, b) => a - b, 0),
  Mul: arithmetic(ofBytes(ops.mul), (a, b) => a * b, 1),
  Div: arithmetic(ofBytes(ops.div), quotient, 1),
  Mod: (node) => {
    const [a, b] = [node.value(0), node.value(1)];
    if (a.dtype === 'uint8' && b.dtype === 'uint8') return ofBytes(remainder)(node.tensor(0), node.tensor(1));
    if (!isKnown(a) || !isKnown(b)) throw node.unsupported('a remainder that depends on the data');
    const isOfDivisor = node.attributes.int('fmod', 0) === 0;
    return combined(a, b, (x, y) => x - (isOfDivisor ? Math.floor(x / y) : Math.trunc(x / y)) * y);
  },
  Sum: arithmetic(ops.add, (a, b) => a + b),
  Mean: (node) =>
    ops.div(
      node.tensors().reduce((a, b) => ops.add(a, b)),
      node.node.inputs.length,
    ),
  Max: arithmetic(ofBytes(ops.maximum), Math.max),
  Min: arithmetic(ofBytes(ops.minimum), Math.min),
  Neg: unary(ops.neg, (x) => -x),
  Exp: unary(ops.exp),
  Log: unary(ops.log),
  Sqrt: unary(ops.sqrt),
  Reciprocal: unary((x) => ops.div(1, x)),
  Erf: unary(ops.erf),
  Tanh: unary(ops.tanh),
  Sigmoid: unary(ops.sigmoid),
  Abs: unary(abs, Math.abs),
  Sign: unary((x) => ops.sub(ops.cast(ops.greater(x, 0), x.dtype), ops.cast(ops.less(x, 0), x.dtype))),
  Floor: unary(floor),
  Ceil: unary((x) => ops.neg(floor(ops.neg(x)))),
  Round: unary(round),
  Pow: (node) => {
    const [x, y] = [node.value(0), node.value(1)];
    const isWhole = isKnown(x) && isConstant(y) && Array.from(y.data).every((v) => v !== null && v >= 0);
    return isWhole ? combined(x, y, (a, b) => Math.trunc(a ** b)) : power(node.tensor(0), y, node);
  },
  Clip: (node) => {
    const x = node.tensor(0);
    const bound = (i: number, name: string) => (node.has(i) ? node.number(i) : node.attributes.float(name, Number.NaN));
    const [lowest, highest] = [bound(1, 'min'), bound(2, 'max')];
    const above = Number.isNaN(lowest) ? x : ops.maximum(x, lowest);
    return Number.isNaN(highest) ? above : ops.minimum(above, highest);
  },
  Cast: (node) => {
    const dtype = dtypeOf(node.attributes.int('to', 0), 'its result');
    const value = node.value(0);
    return isConstant(value) ? convert(value, dtype, node) : ops.cast(value, dtype);
  },
  CastLike: (node) => {
    const value = node.value(0);
    const { dtype } = node.value(1);
    return isConstant(value) ? convert(value, dtype, node) : ops.cast(value, dtype);
  },
};

/** Also of bytes, by floats, which hold all sums, products and quotients of two; what is no byte wraps around. */
function ofBytes(operation: Binary): Binary {
  return (a, b) => {
    if (a.dtype !== 'uint8' || b.dtype !== 'uint8') return operation(a, b);
    const y = floor(operation(ops.cast(a, 'float32'), ops.cast(b, 'float32')));
    return ops.cast(remainder(y, scalar(256)), 'uint8');
  };
}

/** Of small whole numbers, whose quotients are far enough from whole ones. */
function remainder(a: Tensor, b: Tensor): Tensor {
  return ops.sub(a, ops.mul(floor(ops.div(a, b)), b));
}

/** Numbers from 2^23 on are whole. */
function floor(x: Tensor): Tensor {
  const whole = ops.cast(ops.cast(x, 'int32'), 'float32');
  const below = ops.sub(whole, ops.cast(ops.less(x, whole), 'float32'));
  return ops.where(ops.less(abs(x), 2 ** 23), below, x);
}

/** To the nearest whole number, and to the even one of two. */
function round(x: Tensor): Tensor {
  const below = floor(x);
  const rest = ops.sub(x, below);
  const isOdd = ops.sub(below, ops.mul(floor(ops.mul(below, 0.5)), 2));
  const up = ops.where(ops.equal(rest, 0.5), isOdd, ops.cast(ops.greater(rest, 0.5), 'float32'));
  return ops.add(below, up);
}

/** By products for a whole exponent, as 2 is; else exp(y · log x). */
function power(x: Tensor, exponent: Value, node: NodeContext): Tensor {
  const y = isConstant(exponent) && exponent.data.length === 1 ? exponent.data[0]! : undefined;
  if (x.dtype === 'int32' && y !== undefined && Number.isInteger(y) && y >= 1 && y <= 64) return wholePower(x, y);
  if (x.dtype !== 'float32') throw node.unsupported('such powers of integers');
  if (y === undefined) return ops.exp(ops.mul(ops.cast(node.tensor(1), 'float32'), ops.log(x)));
  if (y === 0.5) return ops.sqrt(x);
  if (!Number.isInteger(y) || Math.abs(y) > 64 || y === 0) return ops.exp(ops.mul(ops.log(x), y));
  const result = wholePower(x, Math.abs(y));
  return y > 0 ? result : ops.div(1, result);
}

function nothing(dtype: DType, shape: Shape): Constant {
  return { dtype, shape: shape as readonly number[], data: [] };
}

function quotient(a: number, b: number): number {
  if (b === 0) throw damaged('it divides by zero');
  return Math.trunc(a / b);
}

function convert(value: Constant, dtype: DType, node: NodeContext): Constant {
  const { shape, data } = value;
  if (value.dtype === dtype) return value;
  if (data.includes(null as never)) throw node.unsupported('it converts the size of the batch');
  const numbers = data as readonly number[];
  if (dtype === 'float32') return { dtype, shape, data: Float32Array.from(numbers) };
  return { dtype, shape, data: Array.from(numbers, dtype === 'bool' ? (v) => (v === 0 ? 0 : 1) : Math.trunc) };
}
