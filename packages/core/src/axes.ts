// Which axes of an operation's operands run along with axes of its result, and which are summed over: what lies along such an
// axis can be computed in parts.

import { elementwise } from './ops/elementwise.js';
import { isOp, type Tensor } from './tensor.js';

/** An axis of an operand. */
export interface OperandAxis {
  readonly operand: number;
  readonly axis: number;
}

/** An axis of an operand that runs along with an axis of the result. */
export interface ParallelAxis extends OperandAxis {
  readonly own: number;
}

/** Axes of a primitive's operands that run along with an axis of its result; of a reshape, only where it does nothing. */
export function parallelAxes(node: Tensor): ParallelAxis[] {
  if (node.op in elementwise) return alignedAxes(node);
  const rank = node.shape.length;
  if (isOp(node, 'transpose')) return node.attributes.permutation.map((axis, own) => ({ operand: 0, axis, own }));
  if (isOp(node, 'sum') || isOp(node, 'max') || isOp(node, 'argmax')) {
    const reduced = isOp(node, 'argmax') ? [node.attributes.axis] : node.attributes.axes;
    const keepDims = !isOp(node, 'argmax') && node.attributes.keepDims;
    const kept = [...node.inputs[0]!.shape.keys()].filter((axis) => !reduced.includes(axis));
    return kept.map((axis, i) => ({ operand: 0, axis, own: keepDims ? axis : i }));
  }
  if (isOp(node, 'matmul')) {
    const { transposeA, transposeB } = node.attributes;
    const leading = [...node.shape.slice(0, -2).keys()];
    return [
      ...leading.flatMap((axis) => [0, 1].map((operand) => ({ operand, axis, own: axis }))),
      { operand: 0, axis: rank - (transposeA ? 1 : 2), own: rank - 2 },
      { operand: 1, axis: rank - (transposeB ? 2 : 1), own: rank - 1 },
    ];
  }
  if (isOp(node, 'conv2dFilterGradient')) return [];
  if (node.op.startsWith('conv2d')) return [{ operand: 0, axis: 0, own: 0 }];
  if (node.op.includes('Pool')) {
    return node.inputs.flatMap((_, operand) => [0, 1].map((axis) => ({ operand, axis, own: axis })));
  }
  if (isOp(node, 'gather')) {
    return node.inputs[1]!.shape.map((_, i) => ({ operand: 1, axis: i, own: node.attributes.axis + i }));
  }
  return alignedAxes(node);
}

/** Of elementwise operations, broadcasts, pads, slices and concatenations: aligned at the right, where sizes agree. */
function alignedAxes(node: Tensor): ParallelAxis[] {
  const pairs: ParallelAxis[] = [];
  node.inputs.forEach(({ shape }, operand) => {
    const added = node.shape.length - shape.length;
    for (let axis = 0; axis < shape.length; axis++) {
      if (shape[axis] === node.shape[axis + added]) pairs.push({ operand, axis, own: axis + added });
    }
  });
  return pairs;
}

/** Axes of a primitive's operands that are summed over, or of which the largest element is taken. */
export function reducedAxes(node: Tensor): OperandAxis[] {
  if (isOp(node, 'sum') || isOp(node, 'max')) return node.attributes.axes.map((axis) => ({ operand: 0, axis }));
  if (isOp(node, 'matmul')) {
    const { transposeA, transposeB } = node.attributes;
    const rank = node.shape.length;
    return [
      { operand: 0, axis: rank - (transposeA ? 2 : 1) },
      { operand: 1, axis: rank - (transposeB ? 1 : 2) },
    ];
  }
  return isOp(node, 'conv2dFilterGradient') ? [0, 1].map((operand) => ({ operand, axis: 0 })) : [];
}

/** A tensor as x − means[0] − means[1] …, where the means are equal along `axes`, over which it is summed. */
export function deviation(tensor: Tensor, axes: readonly number[]): { x: Tensor; means: readonly Tensor[] } {
  if (!isOp(tensor, 'sub')) return { x: tensor, means: [] };
  const [x, mean] = tensor.inputs as [Tensor, Tensor];
  const isMean =
    x.shape.join() === tensor.shape.join() &&
    mean.shape.length === x.shape.length &&
    mean.shape.every((n, axis) => n === 1 || (!axes.includes(axis) && n === x.shape[axis]));
  if (!isMean) return { x: tensor, means: [] };
  const inner = deviation(x, axes);
  return { x: inner.x, means: [...inner.means, mean] };
}
