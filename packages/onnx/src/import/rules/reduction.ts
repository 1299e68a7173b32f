// Reductions along axes.

import { ops, type Tensor } from '@bn/core';
import type { NodeContext } from '../node-context.js';
import type { ImportRules } from '../rules.js';

type Reduce = (x: Tensor, axes?: readonly number[], options?: { keepDims?: boolean | undefined }) => Tensor;

export const reduction: ImportRules = {
  ReduceMean: (node) => reduce(node, ops.mean),
  ReduceSum: (node) => reduce(node, ops.sum),
  ReduceMax: (node) => reduce(node, ops.max),
  ArgMax: (node) => {
    const x = node.tensor(0);
    if (node.attributes.int('select_last_index', 0) !== 0) throw node.unsupported('select_last_index');
    const axis = node.axis(node.attributes.int('axis', 0), x.shape);
    const y = ops.argmax(x, axis);
    return node.attributes.int('keepdims', 1) === 0 ? y : ops.reshape(y, x.shape.with(axis, 1));
  },
};

function reduce(node: NodeContext, operation: Reduce): Tensor {
  const x = node.tensor(0);
  const axes = node.axes(1);
  const none = axes === undefined || axes.length === 0;
  if (none && node.attributes.int('noop_with_empty_axes', 0) !== 0) return x;
  return operation(x, none ? undefined : axes, { keepDims: node.attributes.int('keepdims', 1) !== 0 });
}
