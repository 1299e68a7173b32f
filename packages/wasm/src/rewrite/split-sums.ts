// Rewrites of the graph before it becomes loops: sums over the axis in lanes are done in two parts, so that the first
// part can run group by group, next to what makes its operand; and batch statistics need one pass instead of two.

import { constant, deviation, isOp, ops, scalar, sizeOf, type Tensor } from '@bn/core';
import type { LaneAxes } from '../analysis/lane-axes.js';
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
  const [operand] = node.inputs;
  const squared = isOp(operand, 'mul') && operand.inputs[0] === operand.inputs[1];
  const { x, means } = deviation(squared ? operand.inputs[0] : operand, axes);
  const parts =
    means.length > 0
      ? deviationParts(
          replaced.get(x)!,
          means.map((mean) => replaced.get(mean)!),
          others,
          squared,
        )
      : ops.sum(copy.inputs[0], others, { keepDims: true });
  return ops.reshape(ops.sum(parts, [lane], { keepDims: true }), node.shape);
}

/**
 * Σ d or Σ d² over `axes`, where d = x − mean and mean is a sum of any values per channel. With n, m the number and mean of
 * x − pivot along `axes`:
 *
 *   Σ d  = n·(pivot − mean + m)
 *   Σ d² = Σ (x − pivot − m)² + n·(pivot − mean + m)²   (Chan et al., 1979)
 *
 * The sums over x do not have to wait for the mean of all. As in the batch normalization layer, the pivot is the first
 * value, with which they are exact where the mean is large. Textbooks have none: Σ d² around a single mean uses Σ x again.
 */
function deviationParts(x: Tensor, means: readonly Tensor[], axes: readonly number[], squared: boolean): Tensor {
  const n = axes.reduce((product, axis) => product * x.shape[axis]!, 1);
  const first = x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const start = first.map(() => 0);
  const pivot = squared && means.length === 1 ? null : ops.slice(x, start, first);
  const shifted = pivot ? ops.sub(x, pivot) : x;
  const own = ops.mul(ops.sum(shifted, axes, { keepDims: true }), scalar(1 / n));
  const [nearest, ...rest] = means;
  const near = pivot ? ops.add(ops.sub(pivot, nearest), own) : ops.sub(own, nearest);
  const apart = rest.reduce((sum, mean) => ops.sub(sum, mean), near);
  if (!squared) return ops.mul(apart, scalar(n));
  const within = ops.sum(ops.square(ops.sub(shifted, own)), axes, { keepDims: true });
  return ops.add(within, ops.mul(ops.square(apart), scalar(n)));
}
