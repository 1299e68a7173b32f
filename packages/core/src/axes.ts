// Which axes of an operation's operands run along with axes of its result, and which are summed over: what lies along such an
// axis can be computed in parts, or side by side.

import { elementwise } from './ops/elementwise.js';
import type { FusedName } from './ops/fused.js';
import type { PrimitiveName } from './primitives.js';
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

/** Axes of an operation's operands that run along with an axis of its result: each place is computed from that place alone. */
export function parallelAxes(node: Tensor): readonly ParallelAxis[] {
  return axesOf(node)?.parallel(node as never) ?? [];
}

/** Axes of an operation's operands that are summed over, or of which the largest element is taken. */
export function reducedAxes(node: Tensor): readonly OperandAxis[] {
  return axesOf(node)?.reduced(node as never) ?? [];
}

/** Pairs of axes that a reshape leaves as they are: same size, and the same number of elements before them. */
export function unsplitAxes(from: readonly number[], to: readonly number[]): [number, number][] {
  const pairs: [number, number][] = [];
  // Elements before an axis grow with every axis but those of size 1.
  let before = 1;
  let own = 0;
  let ownBefore = 1;
  for (let axis = 0; axis < from.length; axis++) {
    while (own < to.length && (ownBefore < before || (ownBefore === before && to[own] === 1))) ownBefore *= to[own++]!;
    const isSame = from[axis] !== 1 && ownBefore === before && to[own] === from[axis];
    if (isSame) pairs.push([axis, own]);
    before *= from[axis]!;
  }
  return pairs;
}

type Name = PrimitiveName | FusedName;

interface Axes<P extends Name> {
  parallel(node: Tensor<P>): readonly ParallelAxis[];
  reduced(node: Tensor<P>): readonly OperandAxis[];
}

/** Nothing for inputs and constants. */
function axesOf({ op }: Tensor): Axes<never> | undefined {
  return (table as Readonly<Record<string, Axes<never>>>)[op];
}

const none = (): readonly OperandAxis[] => [];
/** Aligned at the right, where sizes agree: elementwise operations, and what moves elements within their axes. */
const aligned = { parallel: alignedAxes, reduced: none };
/** The first axes of all operands are the result's. */
const pooling = { parallel: (node: Tensor) => leadingAxes(2, node.inputs.length), reduced: none };
const convolution = { parallel: () => leadingAxes(1, 1), reduced: none };
const reduction = {
  parallel: ({ inputs: [x], attributes: { axes, keepDims } }: Tensor<'sum' | 'max'>) => keptAxes(x!, axes, keepDims),
  reduced: ({ attributes: { axes } }: Tensor<'sum' | 'max'>) => axes.map((axis) => ({ operand: 0, axis })),
};

const allButOne = {
  parallel: ({ shape, attributes: { axis } }: Tensor<'softmax' | 'logSoftmax'>) =>
    leadingAxes(shape.length, 1).filter(({ own }) => own !== axis),
  reduced: none,
};

const ofElements = Object.fromEntries(Object.keys(elementwise).map((op) => [op, aligned])) as {
  readonly [P in keyof typeof elementwise]: typeof aligned;
};

const table: { readonly [P in Name]: Axes<P> } = {
  ...ofElements,
  sum: reduction,
  max: reduction,
  argmax: { parallel: ({ inputs: [x], attributes: { axis } }) => keptAxes(x!, [axis], false), reduced: none },
  reshape: {
    parallel: ({ shape, inputs: [x] }) =>
      unsplitAxes(x!.shape as number[], shape as number[]).map(([axis, own]) => ({ operand: 0, axis, own })),
    reduced: none,
  },
  transpose: {
    parallel: ({ attributes: { permutation } }) => permutation.map((axis, own) => ({ operand: 0, axis, own })),
    reduced: none,
  },
  broadcastTo: aligned,
  pad: aligned,
  slice: aligned,
  concat: aligned,
  gather: {
    parallel: ({ inputs: [, indices], attributes: { axis } }) =>
      indices!.shape.map((_, i) => ({ operand: 1, axis: i, own: axis + i })),
    reduced: none,
  },
  iota: aligned,
  matmul: {
    parallel: ({ shape, attributes: { transposeA, transposeB } }) => {
      const rank = shape.length;
      return [
        ...leadingAxes(rank - 2, 2),
        { operand: 0, axis: rank - (transposeA ? 1 : 2), own: rank - 2 },
        { operand: 1, axis: rank - (transposeB ? 2 : 1), own: rank - 1 },
      ];
    },
    reduced: ({ shape, attributes: { transposeA, transposeB } }) => [
      { operand: 0, axis: shape.length - (transposeA ? 2 : 1) },
      { operand: 1, axis: shape.length - (transposeB ? 1 : 2) },
    ],
  },
  conv2d: convolution,
  conv2dInputGradient: convolution,
  conv2dFilterGradient: { parallel: () => [], reduced: () => [0, 1].map((operand) => ({ operand, axis: 0 })) },
  avgPool2d: pooling,
  avgPool2dGradient: pooling,
  maxPool2d: pooling,
  maxPool2dGradient: pooling,
  relu: aligned,
  softmax: allButOne,
  logSoftmax: allButOne,
  batchNormalize: {
    parallel: ({ shape, inputs: [, ...vectors], attributes: { axis } }) => [
      ...leadingAxes(shape.length, 1),
      ...vectors.map((_, i) => ({ operand: i + 1, axis: 0, own: axis })),
    ],
    reduced: none,
  },
};

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

function leadingAxes(count: number, operands: number): ParallelAxis[] {
  return Array.from({ length: operands }, (_, operand) =>
    Array.from({ length: count }, (_, axis) => ({ operand, axis, own: axis })),
  ).flat();
}

function keptAxes({ shape }: Tensor, reduced: readonly number[], keepDims: boolean): ParallelAxis[] {
  const kept = [...shape.keys()].filter((axis) => !reduced.includes(axis));
  return kept.map((axis, i) => ({ operand: 0, axis, own: keepDims ? axis : i }));
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
