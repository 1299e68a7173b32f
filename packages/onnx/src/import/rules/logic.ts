// Comparisons, and operators of bools.

import { ops, type Tensor } from '@bn/core';
import type { ImportRule, ImportRules } from '../rules.js';
import { type Constant, combined, isKnown } from '../value.js';

const both =
  (operation: (a: Tensor, b: Tensor) => Tensor, numbers: (a: number, b: number) => boolean): ImportRule =>
  (node) => {
    const [a, b] = [node.value(0), node.value(1)];
    const isComputed = isKnown(a) && isKnown(b) && !hasBatch(a) && !hasBatch(b);
    if (isComputed) return combined(a, b, (x, y) => Number(numbers(x, y)), { dtype: 'bool' });
    return operation(node.tensor(0), node.tensor(1));
  };

export const logic: ImportRules = {
  Equal: both(ops.equal, (a, b) => a === b),
  Less: both(ops.less, (a, b) => a < b),
  Greater: both(ops.greater, (a, b) => a > b),
  // Not the opposite of the other comparison: of NaN both are false.
  LessOrEqual: both(
    (a, b) => or(ops.less(a, b), ops.equal(a, b)),
    (a, b) => a <= b,
  ),
  GreaterOrEqual: both(
    (a, b) => or(ops.greater(a, b), ops.equal(a, b)),
    (a, b) => a >= b,
  ),
  Not: (node) => {
    const x = node.value(0);
    if (!isKnown(x)) return ops.equal(number(node.tensor(0)), 0);
    return { ...x, data: Array.from(x.data, (v) => (v === 0 ? 1 : 0)) };
  },
  And: both(
    (a, b) => ops.equal(ops.add(number(a), number(b)), 2),
    (a, b) => a + b === 2,
  ),
  Or: both(or, (a, b) => a + b > 0),
  Xor: both(
    (a, b) => ops.equal(ops.add(number(a), number(b)), 1),
    (a, b) => a + b === 1,
  ),
  Where: (node) => {
    const [test, a, b] = [node.value(0), node.value(1), node.value(2)];
    if (!isKnown(test) || !isKnown(a) || !isKnown(b)) return ops.where(node.tensor(0), node.tensor(1), node.tensor(2));
    const [isTrue] = test.data;
    // One choice for all may be the open size of the batch.
    if (test.data.length === 1 && `${a.shape}` === `${b.shape}`) return isTrue ? a : b;
    const chosen = combined(test, a, (yes, x) => (yes ? x : 0));
    const rest = combined(test, b, (yes, x) => (yes ? 0 : x));
    return combined(chosen, rest, (x, y) => x + y, { dtype: a.dtype });
  },
};

function or(a: Tensor, b: Tensor): Tensor {
  return ops.greater(ops.add(number(a), number(b)), 0);
}

/** Whether it holds the open size of the batch. */
function hasBatch({ data }: Constant): boolean {
  return data.includes(null as never);
}

/** 0 or 1. */
function number(x: Tensor): Tensor {
  return ops.cast(x, 'int32');
}
