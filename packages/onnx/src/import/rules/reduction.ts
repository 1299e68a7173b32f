// Reductions along axes.

import { ops, type Tensor } from '@bn/core';
import type { NodeContext } from '../node-context.js';
import type { ImportRules } from '../rules.js';
import { abs } from './activations.js';

type Reduce = (x: Tensor, axes?: readonly number[], options?: { keepDims?: boolean | undefined }) => Tensor;

export const reduction: ImportRules = {
  ReduceMean: (node) => reduce(node, ops.mean),
  ReduceSum: (node) => reduce(node, ops.sum),
  ReduceMax: (node) => reduce(node, ops.max),
  ReduceMin: (node) => reduce(node, (x, ...along) => ops.neg(ops.max(ops.neg(x), ...along))),
  ReduceL1: (node) => reduce(node, (x, ...along) => ops.sum(abs(x), ...along)),
  ReduceL2: (node) => reduce(node, (x, ...along) => ops.sqrt(ops.sum(ops.square(x), ...along))),
  ReduceSumSquare: (node) => reduce(node, (x, ...along) => ops.sum(ops.square(x), ...along)),
  ReduceLogSum: (node) => reduce(node, (x, ...along) => ops.log(ops.sum(x, ...along))),
  ReduceLogSumExp: (node) =>
    reduce(node, (x, axes, options) => {
      const highest = ops.max(x, axes, { keepDims: true });
      const sum = ops.log(ops.sum(ops.exp(ops.sub(x, highest)), axes, options));
      return ops.add(sum, ops.reshape(highest, sum.shape));
    }),
  ArgMax: (node) => argmax(node, node.tensor(0)),
  ArgMin: (node) => argmax(node, ops.neg(node.tensor(0))),
};

function argmax(node: NodeContext, x: Tensor): Tensor {
  if (node.attributes.int('select_last_index', 0) !== 0) throw node.unsupported('select_last_index');
  const axis = node.axis(node.attributes.int('axis', 0), x.shape);
  const y = ops.argmax(x, axis);
  return node.attributes.int('keepdims', 1) === 0 ? y : ops.reshape(y, x.shape.with(axis, 1));
}

function reduce(node: NodeContext, operation: Reduce): Tensor {
  const x = node.tensor(0);
  const axes = node.axes(1);
  const none = axes === undefined || axes.length === 0;
  if (none && node.attributes.int('noop_with_empty_axes', 0) !== 0) return x;
  return operation(x, none ? undefined : axes, { keepDims: node.attributes.int('keepdims', 1) !== 0 });
}
