// Elementwise operators. Of integers that are known, as shapes are, the numbers are computed at once.

import { type DType, ops, type Tensor } from '@bn/core';
import { damaged } from '../damaged.js';
import type { NodeContext } from '../node-context.js';
import { dtypeOf } from '../read-tensor.js';
import type { ImportRule, ImportRules } from '../rules.js';
import { type Constant, integers, isConstant, type Value } from '../value.js';
import { abs } from './activations.js';

type Numbers = (a: number, b: number) => number;

/** `neutral`: the second operand that leaves the first as it is, also where that is the unknown size of the batch. */
const arithmetic =
  (operation: (a: Tensor, b: Tensor) => Tensor, numbers: Numbers, neutral: number): ImportRule =>
  (node) => {
    const [a, b] = [node.value(0), node.value(1)];
    if (!isIntegers(a) || !isIntegers(b)) return operation(node.tensor(0), node.tensor(1));
    const larger = a.data.length >= b.data.length ? a : b;
    if (![a, b].every(({ data }) => data.length === 1 || data.length === larger.data.length)) {
      throw node.unsupported(`arithmetic of ${a.data.length} and ${b.data.length} integers`);
    }
    const at = ({ data }: Constant, i: number) => data[data.length === 1 ? 0 : i]!;
    const compute = (x: number | null, y: number | null) => {
      if (y === neutral) return x;
      if (x === null || y === null) throw node.unsupported('it computes with the size of the batch');
      return numbers(x, y);
    };
    const data = Array.from(larger.data, (_, i) => compute(at(a, i), at(b, i)));
    return integers(data, larger.shape);
  };

const unary =
  (operation: (x: Tensor) => Tensor): ImportRule =>
  (node) =>
    operation(node.tensor(0));

const several =
  (operation: (a: Tensor, b: Tensor) => Tensor): ImportRule =>
  (node) =>
    node.tensors().reduce((a, b) => operation(a, b));

export const elementwise: ImportRules = {
  Add: arithmetic(ops.add, (a, b) => a + b, 0),
  Sub: arithmetic(ops.sub, (a, b) => a - b, 0),
  Mul: arithmetic(ops.mul, (a, b) => a * b, 1),
  Div: arithmetic(ops.div, quotient, 1),
  Sum: several(ops.add),
  Mean: (node) =>
    ops.div(
      node.tensors().reduce((a, b) => ops.add(a, b)),
      node.node.inputs.length,
    ),
  Max: several(ops.maximum),
  Min: several(ops.minimum),
  Neg: unary(ops.neg),
  Exp: unary(ops.exp),
  Log: unary(ops.log),
  Sqrt: unary(ops.sqrt),
  Reciprocal: unary((x) => ops.div(1, x)),
  Erf: unary(ops.erf),
  Tanh: unary(ops.tanh),
  Sigmoid: unary(ops.sigmoid),
  Abs: unary(abs),
  Sign: unary((x) => ops.sub(ops.cast(ops.greater(x, 0), x.dtype), ops.cast(ops.less(x, 0), x.dtype))),
  Floor: unary(floor),
  Ceil: unary((x) => ops.neg(floor(ops.neg(x)))),
  Round: unary(round),
  Pow: (node) => power(node.tensor(0), node.value(1), node),
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
};

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
  if (x.dtype !== 'float32') throw node.unsupported('powers of integers');
  if (y === undefined) return ops.exp(ops.mul(ops.cast(node.tensor(1), 'float32'), ops.log(x)));
  if (y === 0.5) return ops.sqrt(x);
  if (!Number.isInteger(y) || Math.abs(y) > 64 || y === 0) return ops.exp(ops.mul(ops.log(x), y));
  let [result, factor]: [Tensor | null, Tensor] = [null, x];
  for (let rest = Math.abs(y); rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = result ? ops.mul(result, factor) : factor;
    factor = ops.mul(factor, factor);
  }
  return y > 0 ? result! : ops.div(1, result!);
}

function isIntegers(value: Value): value is Constant {
  return isConstant(value) && value.dtype === 'int32';
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
