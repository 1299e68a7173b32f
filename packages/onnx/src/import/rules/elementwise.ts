// Elementwise operators. Of integers that are known, as shapes are, the numbers are computed at once.

import { type DType, ops, type Tensor } from '@bn/core';
import { damaged } from '../damaged.js';
import type { NodeContext } from '../node-context.js';
import { dtypeOf } from '../read-tensor.js';
import type { ImportRule, ImportRules } from '../rules.js';
import { type Constant, integers, isConstant, type Value } from '../value.js';

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
  Relu: unary(ops.relu),
  LeakyRelu: (node) => leakyRelu(node.tensor(0), node.attributes.float('alpha', 0.01)),
  PRelu: (node) => leakyRelu(node.tensor(0), node.tensor(1)),
  Elu: (node) => {
    const x = node.tensor(0);
    const below = ops.sub(ops.exp(ops.minimum(x, 0)), 1);
    return ops.where(ops.less(x, 0), ops.mul(below, node.attributes.float('alpha', 1)), x);
  },
  HardSigmoid: (node) =>
    hardSigmoid(node.tensor(0), node.attributes.float('alpha', 0.2), node.attributes.float('beta', 0.5)),
  HardSwish: (node) => ops.mul(node.tensor(0), hardSigmoid(node.tensor(0), 1 / 6, 0.5)),
  Clip: (node) => {
    const x = node.tensor(0);
    const bound = (i: number, name: string) => (node.has(i) ? node.number(i) : node.attributes.float(name, Number.NaN));
    const [lowest, highest] = [bound(1, 'min'), bound(2, 'max')];
    const above = Number.isNaN(lowest) ? x : ops.maximum(x, lowest);
    return Number.isNaN(highest) ? above : ops.minimum(above, highest);
  },
  Equal: (node) => ops.equal(node.tensor(0), node.tensor(1)),
  Less: (node) => ops.less(node.tensor(0), node.tensor(1)),
  Greater: (node) => ops.greater(node.tensor(0), node.tensor(1)),
  Where: (node) => ops.where(node.tensor(0), node.tensor(1), node.tensor(2)),
  Cast: (node) => {
    const dtype = dtypeOf(node.attributes.int('to', 0), 'its result');
    const value = node.value(0);
    return isConstant(value) ? convert(value, dtype, node) : ops.cast(value, dtype);
  },
};

function leakyRelu(x: Tensor, slope: Tensor | number): Tensor {
  return ops.where(ops.less(x, 0), ops.mul(x, slope), x);
}

/** 0 and 1, and a line between them. */
function hardSigmoid(x: Tensor, slope: number, atZero: number): Tensor {
  return ops.maximum(ops.minimum(ops.add(ops.mul(x, slope), atZero), 1), 0);
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
