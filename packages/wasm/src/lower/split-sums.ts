// Rewrites of the graph before it becomes loops: sums over the axis in lanes are done in two parts, so that the first
// part can run group by group, next to what makes its operand; and batch statistics need one pass instead of two.

import { constant, isOp, ops, scalar, sizeOf, type Tensor } from '@bn/core';
import type { LaneAxes } from './lane-axes.js';
import type { Replacement } from './replace-nodes.js';

/** Splits sums over the lane axis and others, and does arithmetic on numbers. */
export function splitSums(lanes: LaneAxes): Replacement {
  return (node, copy, replaced) => splitSum(node, copy, lanes, replaced) ?? folded(copy);
}

/** A number for arithmetic on numbers, rounded to float32 as it would be. */
function folded(node: Tensor): Tensor | null {
  const evaluate = foldable[node.op];
  if (
    !evaluate ||
    node.dtype !== 'float32' ||
    !node.inputs.every((x) => isOp(x, 'constant') && sizeOf(x.shape) === 1)
  ) {
    return null;
  }
  const operands = node.inputs.map((x) => Math.fround((x as Tensor<'constant'>).attributes.data[0]));
  return constant(Float32Array.of(evaluate(operands[0], operands[1])), node.shape);
}

const foldable: Readonly<Record<string, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  neg: (a) => -a,
  reshape: (a) => a,
};

/** A sum over the lane axis and others as a sum over the others, then one over the lane axis. */
function splitSum(node: Tensor, copy: Tensor, lanes: LaneAxes, replaced: ReadonlyMap<Tensor, Tensor>): Tensor | null {
  if (!isOp(node, 'sum') || node.dtype !== 'float32') return null;
  const lane = lanes.get(node.inputs[0]) ?? null;
  const { axes } = node.attributes;
  if (lane === null || !axes.includes(lane) || axes.length === 1) return null;
  const others = axes.filter((axis) => axis !== lane);
  const spread = centredOperand(node);
  const parts = spread
    ? momentParts(replaced.get(spread.x)!, replaced.get(spread.mean)!, others)
    : ops.sum(copy.inputs[0], others, { keepDims: true });
  return ops.reshape(ops.sum(parts, [lane], { keepDims: true }), node.shape);
}

/**
 * Σ (x − mean)² over `axes`, where mean is any value per channel: with n, m the number and mean of x along `axes`,
 * Σ (x − m)² + n·(m − mean)² (Chan et al., 1979). The first sum does not have to wait for the mean of all.
 */
function momentParts(x: Tensor, mean: Tensor, axes: readonly number[]): Tensor {
  const n = axes.reduce((product, axis) => product * x.shape[axis]!, 1);
  const own = ops.mul(ops.sum(x, axes, { keepDims: true }), scalar(1 / n));
  const within = ops.sum(ops.square(ops.sub(x, own)), axes, { keepDims: true });
  return ops.add(within, ops.mul(ops.square(ops.sub(own, mean)), scalar(n)));
}

/** x and mean, if a sum is over the squares of x − mean, and mean is equal along the axes of the sum. */
function centredOperand(node: Tensor<'sum'>): { x: Tensor; mean: Tensor } | null {
  const [square] = node.inputs;
  if (!isOp(square, 'mul') || square.inputs[0] !== square.inputs[1]) return null;
  const [centred] = square.inputs;
  if (!isOp(centred, 'sub')) return null;
  const [x, mean] = centred.inputs;
  const rank = x.shape.length;
  const isMean =
    x.shape.join() === centred.shape.join() &&
    mean.shape.length === rank &&
    mean.shape.every((n, axis) => n === 1 || (!node.attributes.axes.includes(axis) && n === x.shape[axis]));
  return isMean ? { x, mean } : null;
}
