// Rules for numbers in graphs: arithmetic on them is done once, they meet where they can, and 0 and 1 go.
//
// x · 0 stays: it is NaN where x is not finite, and training stops on that.

import { fill } from '../ops/composed.js';
import { add, div, mul, neg, sub } from '../ops/elementwise.js';
import { sum } from '../ops/reduction.js';
import { broadcastTo } from '../ops/shape.js';
import { sameShape } from '../spec.js';
import { isOp, type Tensor } from '../tensor.js';
import type { Rule, Rules } from './simplify.js';

const arithmetic: Readonly<Record<string, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  neg: (a) => -a,
  sqrt: (a) => Math.sqrt(a),
  reshape: (a) => a,
};

/** Where every element is the same number, that is computed here; results that float32 cannot hold are left alone. */
const numberOfNumbers: Rule = (node) => {
  const evaluate = arithmetic[node.op];
  if (!evaluate || node.dtype !== 'float32') return null;
  const operands = node.inputs.map(numberOf);
  if (operands.includes(undefined)) return null;
  const value = evaluate(operands[0]!, operands[1]!);
  if (value === 0) return fill(node.shape, 0);
  return isNormal(value) ? fill(node.shape, value) : null;
};

/** x + 0 = x − 0 = x · 1 = x / 1 = x and 0 − x = −x, but for the sign of a zero. */
const neutral: Rule = (node) => {
  const [a, b] = node.inputs as [Tensor, Tensor];
  const isNeutral = (x: Tensor, value: number) => x.dtype === 'float32' && numberOf(x) === value;
  if (node.op === 'add' && isNeutral(a, 0)) return broadcastTo(b, node.shape);
  if (node.op === 'mul' && isNeutral(a, 1)) return broadcastTo(b, node.shape);
  if (node.op === 'sub' && isNeutral(a, 0)) return neg(broadcastTo(b, node.shape));
  if ((node.op === 'add' || node.op === 'sub') && isNeutral(b, 0)) return broadcastTo(a, node.shape);
  if ((node.op === 'mul' || node.op === 'div') && isNeutral(b, 1)) return broadcastTo(a, node.shape);
  return null;
};

/** x + x = 2x, exactly. */
const doubled: Rule = (node) =>
  node.dtype === 'float32' && node.inputs[0] === node.inputs[1] ? mul(node.inputs[0]!, 2) : null;

/** (x · c) · d = x · (c · d), and −x = x · −1. c · d is a normal number, so x · (c · d) overflows only where the result does. */
const factorOfFactor: Rule = (node) => {
  const outer = scaling(node);
  const inner = outer && scaling(outer.x);
  return inner && isNormal(inner.factor * outer.factor) ? scaled(inner.x, inner.factor * outer.factor) : null;
};

/**
 * (a · b) · c = (a · c) · b: the number goes to the smaller operand. c is near enough to 1 for a · c not to leave the
 * range of float32, but where a was at its end. Signs go to sums instead.
 */
const factorOfProduct: Rule = (node) => {
  const outer = scaling(node);
  if (!outer || !isOp(outer.x, 'mul') || Math.abs(Math.log2(Math.abs(outer.factor))) > 20) return null;
  const [a, b] = outer.x.inputs as [Tensor, Tensor];
  if (isSmaller(a, node)) return mul(scaled(a, outer.factor), b);
  return isSmaller(b, node) ? mul(a, scaled(b, outer.factor)) : null;
};

/** Σ c·x = c · Σ x, one multiplication instead of many. |c| ≥ 1, so that Σ x overflows only where Σ c·x does. */
const factorOfSum: Rule = (node) => {
  const inner = isOp(node, 'sum') ? scaling(node.inputs[0]!) : null;
  if (!inner || Math.abs(inner.factor) < 1) return null;
  const { axes, keepDims } = (node as Tensor<'sum'>).attributes;
  return scaled(sum(inner.x, axes, { keepDims }), inner.factor);
};

/** a + (−b) = a − b, (−a) + b = b − a, a − (−b) = a + b, (−a) / b = −(a / b): signs are exact. */
const sign: Rule = (node) => {
  if (node.dtype !== 'float32') return null;
  const [a, b] = node.inputs as [Tensor, Tensor];
  if (node.op === 'add' && isOp(b, 'neg')) return sub(a, b.inputs[0]!);
  if (node.op === 'add' && isOp(a, 'neg')) return sub(b, a.inputs[0]!);
  if (node.op === 'sub' && isOp(b, 'neg')) return add(a, b.inputs[0]!);
  return node.op === 'div' && isOp(a, 'neg') ? neg(div(a.inputs[0]!, b)) : null;
};

export const numbers: Rules = {
  add: [numberOfNumbers, neutral, doubled, sign],
  sub: [numberOfNumbers, neutral, sign],
  mul: [numberOfNumbers, neutral, factorOfFactor, factorOfProduct],
  div: [numberOfNumbers, neutral, sign],
  neg: [numberOfNumbers, factorOfFactor],
  sqrt: [numberOfNumbers],
  reshape: [numberOfNumbers],
  sum: [factorOfSum],
};

/** The number that every element of x is; undefined if they differ, or are not known before the run. */
export function numberOf(x: Tensor): number | undefined {
  if (isOp(x, 'broadcastTo')) return numberOf(x.inputs[0]!);
  if (!isOp(x, 'constant') || x.attributes.data.length > largestComparedConstant) return undefined;
  const [first] = x.attributes.data;
  return x.attributes.data.every((value) => Object.is(value, first)) ? first : undefined;
}

const largestComparedConstant = 64;

/** x and factor of a node that is x · factor in x's shape. */
function scaling(node: Tensor): { x: Tensor; factor: number } | null {
  if (node.dtype !== 'float32') return null;
  const [a, b] = node.inputs as [Tensor, Tensor];
  if (isOp(node, 'neg')) return { x: a, factor: -1 };
  if (!isOp(node, 'mul')) return null;
  const [left, right] = [numberOf(a), numberOf(b)];
  if (right !== undefined && sameShape(a.shape, node.shape)) return { x: a, factor: right };
  return left !== undefined && sameShape(b.shape, node.shape) ? { x: b, factor: left } : null;
}

function scaled(x: Tensor, factor: number): Tensor {
  if (factor === 1) return x;
  return factor === -1 ? neg(x) : mul(x, factor);
}

function isSmaller(x: Tensor, node: Tensor): boolean {
  return !sameShape(x.shape, node.shape) && numberOf(x) === undefined;
}

/** Whether float32 holds the number with all its digits. */
function isNormal(value: number): boolean {
  return Math.abs(value) >= 2 ** -126 && Math.abs(value) < 2 ** 128;
}
