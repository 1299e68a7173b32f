// Elementwise operators. Of integers that are known, as shapes are, the numbers are computed at once.

import { type DType, ops, type Tensor } from '@bn/core';
import { damaged } from '../damaged.js';
import type { NodeContext } from '../node-context.js';
import { dtypeOf } from '../read-tensor.js';
import type { ImportRule, ImportRules } from '../rules.js';
import { type Constant, combined, integers, isConstant, isKnown, type Numbers, type Value } from '../value.js';
import { abs, wholePower } from './activations.js';

type Binary = (a: Tensor, b: Tensor) => Tensor;

/** `neutral`: the second operand that leaves the first as it is, also where that is the unknown size of the batch. */
const arithmetic =
  (operation: Binary, numbers: Numbers, neutral?: number): ImportRule =>
  (node) => {
    const values = node.node.inputs.map((_, i) => node.value(i));
    if (values.every(isKnown)) return values.reduce((a, b) => combined(a, b, numbers, { neutral }));
    return node.tensors().reduce((a, b) => operation(a, b));
  };

const unary =
  (operation: (x: Tensor) => Tensor, numbers?: (x: number) => number): ImportRule =>
  (node) => {
    const x = node.value(0);
    if (!numbers || !isKnown(x) || x.data.includes(null as never)) return operation(node.tensor(0));
    return integers(Array.from(x.data as readonly number[], numbers), x.shape);
  };

export const elementwise: ImportRules = {
  Add: arithmetic(ops.add, (a, b) => a + b, 0),
  Sub: arithmetic(ops.sub, (a, b) => a - b, 0),
  Mul: arithmetic(ops.mul, (a, b) => a * b, 1),
  Div: arithmetic(ops.div, quotient, 1),
  Mod: (node) => {
    const [a, b] = [node.value(0), node.value(1)];
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

/** Of bytes as of integers, where nothing is larger than a byte. */
function ofBytes(operation: Binary): Binary {
  return (a, b) => {
    if (a.dtype !== 'uint8' || b.dtype !== 'uint8') return operation(a, b);
    return ops.cast(operation(ops.cast(a, 'int32'), ops.cast(b, 'int32')), 'uint8');
  };
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
