// Axes and sizes of operands and results: what rules state their facts with.

import type { Tensor } from '@bn/core';
import type { OperandAxis, ParallelAxis } from './rule.js';

/** Elements of a node, or along its axes from one on. */
export function sizeOf({ shape }: Tensor, from = 0): number {
  let size = 1;
  for (let axis = from; axis < shape.length; axis++) size *= shape[axis]!;
  return size;
}

/** Axes aligned at the right, where sizes agree: of elementwise operations, broadcasts, pads, slices and concatenations. */
export function alignedAxes(node: Tensor): ParallelAxis[] {
  const pairs: ParallelAxis[] = [];
  node.inputs.forEach(({ shape }, operand) => {
    const added = node.shape.length - shape.length;
    for (let axis = 0; axis < shape.length; axis++) {
      if (shape[axis] === node.shape[axis + added]) pairs.push({ operand, axis, own: axis + added });
    }
  });
  return pairs;
}

/** Pairs of axes that a reshape leaves as they are: same size, and the same number of elements before them. */
export function unsplitAxes(from: readonly number[], to: readonly number[]): [number, number][] {
  const pairs: [number, number][] = [];
  // Elements before an axis grow with every axis but those of size 1.
  let before = 1;
  let own = 0;
  let ownBefore = 1;
  for (let axis = 0; axis < from.length; axis++) {
    while (own < to.length && (ownBefore < before || (ownBefore === before && to[own] === 1))) ownBefore *= to[own++];
    const isSame = from[axis] !== 1 && ownBefore === before && to[own] === from[axis];
    if (isSame) pairs.push([axis, own]);
    before *= from[axis];
  }
  return pairs;
}

/** The first `count` axes of all operands, which are the result's. */
export function leadingAxes(count: number, operands: readonly number[]): ParallelAxis[] {
  return operands.flatMap((operand) => Array.from({ length: count }, (_, axis) => ({ operand, axis, own: axis })));
}

export const noAxes = (): readonly OperandAxis[] => [];

/** Each element of an operand once, or those that the result needs. */
export const readOnce = (node: Tensor, operand: number): number => Math.min(sizeOf(node), sizeOf(node.inputs[operand]));
