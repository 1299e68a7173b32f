// Comparisons, and operators of bools.

import { ops, type Tensor } from '@bn/core';
import type { ImportRule, ImportRules } from '../rules.js';

const both =
  (operation: (a: Tensor, b: Tensor) => Tensor): ImportRule =>
  (node) =>
    operation(node.tensor(0), node.tensor(1));

export const logic: ImportRules = {
  Equal: both(ops.equal),
  Less: both(ops.less),
  Greater: both(ops.greater),
  // Not the opposite of the other comparison: of NaN both are false.
  LessOrEqual: both((a, b) => or(ops.less(a, b), ops.equal(a, b))),
  GreaterOrEqual: both((a, b) => or(ops.greater(a, b), ops.equal(a, b))),
  Not: (node) => ops.equal(number(node.tensor(0)), 0),
  And: both((a, b) => ops.equal(ops.add(number(a), number(b)), 2)),
  Or: both(or),
  Xor: both((a, b) => ops.equal(ops.add(number(a), number(b)), 1)),
  Where: (node) => ops.where(node.tensor(0), node.tensor(1), node.tensor(2)),
};

function or(a: Tensor, b: Tensor): Tensor {
  return ops.greater(ops.add(number(a), number(b)), 0);
}

/** 0 or 1. */
function number(x: Tensor): Tensor {
  return ops.cast(x, 'int32');
}
