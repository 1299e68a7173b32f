// The arithmetic of a graph: what its products and convolutions multiply and add.

import { type Graph, isOp, type Shape, type Tensor } from '@bn/core';
import { keyOf } from './node-name.js';

/** Multiplications and additions of sums of products, those with padding among them, by `keyOf`. */
export function countOperations({ nodes }: Graph): Map<string, number> {
  const counts = new Map<string, number>();
  for (const node of nodes) {
    const products = productsOf(node);
    if (products === null) continue;
    const key = keyOf({ origin: node.origin, operation: node.op });
    counts.set(key, (counts.get(key) ?? 0) + 2 * products);
  }
  return counts;
}

/** Products that a node adds up; null where it adds up none, or their number depends on a symbolic batch. */
function productsOf(node: Tensor): number | null {
  if (isOp(node, 'matmul')) return times(node.shape, [node.inputs[0].shape.at(node.attributes.transposeA ? -2 : -1)!]);
  if (isOp(node, 'conv2d')) return times(node.shape, node.inputs[1].shape.slice(1));
  if (isOp(node, 'conv2dInputGradient')) return times(node.inputs[0].shape, node.inputs[1].shape.slice(1));
  if (isOp(node, 'conv2dFilterGradient')) return times(node.inputs[1].shape, node.shape.slice(1));
  return null;
}

function times(...shapes: readonly Shape[]): number | null {
  const sizes = shapes.flat();
  return sizes.includes(null) ? null : sizes.reduce<number>((product, n) => product * n!, 1);
}
