// Reductions along axes.

import { BnError, constant, ops, sizeOf, type Tensor } from '@bn/core';
import type { NodeContext } from '../node-context.js';
import type { ImportRules } from '../rules.js';
import { integers, isEmpty, isKnown, tensorOf, type Value } from '../value.js';
import { abs } from './activations.js';

type Reduce = (x: Tensor, axes?: readonly number[], options?: { keepDims?: boolean | undefined }) => Tensor;

export const reduction: ImportRules = {
  ReduceMean: (node) => reduce(node, ops.mean),
  ReduceSum: (node) => reduce(node, ops.sum, 0),
  ReduceMax: (node) => reduce(node, highest, Number.NEGATIVE_INFINITY),
  ReduceMin: (node) => reduce(node, lowest, Number.POSITIVE_INFINITY),
  ReduceL1: (node) => reduce(node, (x, ...along) => ops.sum(abs(x), ...along), 0),
  ReduceL2: (node) => reduce(node, (x, ...along) => ops.sqrt(ops.sum(ops.square(x), ...along)), 0),
  ReduceSumSquare: (node) => reduce(node, (x, ...along) => ops.sum(ops.square(x), ...along), 0),
  ReduceLogSum: (node) => reduce(node, (x, ...along) => ops.log(ops.sum(x, ...along)), Number.NEGATIVE_INFINITY),
  ReduceLogSumExp: (node) => reduce(node, logSumExp, Number.NEGATIVE_INFINITY),
  ReduceProd: (node) => {
    const x = node.value(0);
    const isShape = isKnown(x) && x.shape.length === 1 && !x.data.includes(null as never);
    if (!isShape) return reduce(node, product, 1);
    const all = (x.data as readonly number[]).reduce((a, b) => a * b, 1);
    return integers([all], node.attributes.int('keepdims', 1) === 0 ? [] : [1]);
  },
  ArgMax: (node) => argmax(node, node.tensor(0)),
  ArgMin: (node) => argmax(node, ops.neg(node.tensor(0))),
};

function argmax(node: NodeContext, x: Tensor): Tensor {
  const axis = node.axis(node.attributes.int('axis', 0), x.shape);
  const y = node.attributes.int('select_last_index', 0) === 0 ? ops.argmax(x, axis) : lastOf(x, axis, node);
  return node.attributes.int('keepdims', 1) === 0 ? y : ops.reshape(y, x.shape.with(axis, 1));
}

/** The index of the last largest value: counted from the end, it is the first. */
function lastOf(x: Tensor, axis: number, node: NodeContext): Tensor {
  const size = x.shape[axis];
  if (size == null) throw node.unsupported('the last index in the batch');
  const backwards = Array.from({ length: size }, (_, i) => size - 1 - i);
  return ops.sub(size - 1, ops.argmax(ops.gather(x, constant(backwards, [size], 'int32'), axis), axis));
}

/** Halves of an axis by each other, until one is left. */
function product(x: Tensor, axes: readonly number[] = [...x.shape.keys()], { keepDims = false } = {}): Tensor {
  const result = axes.reduce((y, given) => {
    const axis = given < 0 ? given + x.shape.length : given;
    let rest = y;
    for (let n = rest.shape[axis] ?? null; n !== 1; n = rest.shape[axis]!) {
      if (n === null) throw new BnError('unsupported', 'it multiplies along the batch; that is not imported');
      const part = (from: number, to: number) =>
        ops.slice(
          rest,
          rest.shape.map((_, i) => (i === axis ? from : 0)),
          rest.shape.map((size, i) => (i === axis ? to : size)),
        );
      const half = Math.floor(n / 2);
      const both = ops.mul(part(0, half), part(half, 2 * half));
      rest = n % 2 === 0 ? both : ops.concat([both, part(n - 1, n)], axis);
    }
    return rest;
  }, x);
  const gone = axes.map((axis) => (axis < 0 ? axis + x.shape.length : axis));
  return keepDims
    ? result
    : ops.reshape(
        result,
        x.shape.filter((_, i) => !gone.includes(i)),
      );
}

/** Also of bools and bytes, as numbers. */
const highest: Reduce = (x, ...along) => {
  const isNumeric = x.dtype === 'float32' || x.dtype === 'int32';
  return isNumeric ? ops.max(x, ...along) : ops.cast(ops.max(ops.cast(x, 'int32'), ...along), x.dtype);
};

const lowest: Reduce = (x, ...along) => {
  const number = x.dtype === 'float32' ? x : ops.cast(x, 'int32');
  return ops.cast(ops.neg(ops.max(ops.neg(number), ...along)), x.dtype);
};

const logSumExp: Reduce = (x, axes, options) => {
  const highest = ops.max(x, axes, { keepDims: true });
  const sum = ops.log(ops.sum(ops.exp(ops.sub(x, highest)), axes, options));
  return ops.add(sum, ops.reshape(highest, sum.shape));
};

/** `ofNothing`: the result where there are no elements, if there is one. */
function reduce(node: NodeContext, operation: Reduce, ofNothing?: number): Value {
  const x = node.value(0);
  const axes = node.axes(1);
  const none = axes === undefined || axes.length === 0;
  if (none && node.attributes.int('noop_with_empty_axes', 0) !== 0) return x;
  const keepDims = node.attributes.int('keepdims', 1) !== 0;
  if (!isEmpty(x) || ofNothing === undefined) return operation(node.tensor(0), none ? undefined : axes, { keepDims });
  const gone = none ? [...x.shape.keys()] : axes.map((axis) => node.axis(axis, x.shape));
  const kept = x.shape.map((n, i) => (gone.includes(i) ? 1 : n)).filter((_, i) => keepDims || !gone.includes(i));
  const value = x.dtype === 'bool' ? Number(ofNothing > 0) : ofNothing;
  if (x.dtype !== 'float32' && !Number.isFinite(value)) throw node.unsupported('the bound of integers that are none');
  return tensorOf({ dtype: x.dtype, shape: kept, data: new Array<number>(sizeOf(kept)).fill(value) });
}
