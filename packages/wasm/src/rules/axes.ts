// Sizes, and what the rules of all primitives say of their axes.

import { parallelAxes, reducedAxes, type Tensor } from '@bn/core';

/** What core knows of a primitive's axes. */
export const knownAxes = { parallel: parallelAxes, contracted: reducedAxes };

/** Elements of a node, or along its axes from one on. */
export function sizeOf({ shape }: Tensor, from = 0): number {
  let size = 1;
  for (let axis = from; axis < shape.length; axis++) size *= shape[axis]!;
  return size;
}

/** Each element of an operand once, or those that the result needs. */
export const readOnce = (node: Tensor, operand: number): number => Math.min(sizeOf(node), sizeOf(node.inputs[operand]));
