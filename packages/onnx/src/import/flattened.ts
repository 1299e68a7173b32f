// PyTorch writes `as_strided` as indices into all numbers of a batch of one. Here they are indices into each example's.

import { constant, ops, sizeOf, type Tensor } from '@bn/core';
import type { OnnxNode } from './read-graph.js';
import { isConstant, type Value } from './value.js';

/** By each Gather along axis 0: the Reshape that gives its first input, if nothing else reads that. */
export function findFlattened(nodes: readonly OnnxNode[], outputs: readonly string[]): ReadonlyMap<OnnxNode, OnnxNode> {
  const reshapes = new Map(nodes.flatMap((node) => (node.operator === 'Reshape' ? [[node.outputs[0]!, node]] : [])));
  const uses = new Map<string, number>(outputs.map((name) => [name, 2]));
  for (const name of nodes.flatMap(({ inputs }) => inputs)) uses.set(name, (uses.get(name) ?? 0) + 1);
  const found = nodes.flatMap((node): [OnnxNode, OnnxNode][] => {
    const reshape = reshapes.get(node.inputs[0] ?? '');
    const isOfAll = node.operator === 'Gather' && node.attributes.int('axis', 0) === 0;
    return reshape && isOfAll && uses.get(node.inputs[0]!) === 1 ? [[node, reshape]] : [];
  });
  return new Map(found);
}

/** Entries of each example of x, if x has the batch and the indices are one example's; else null. */
export function pickedOf(x: Value | undefined, indices: Value | undefined, batch: number | null): Tensor | null {
  if (!x || isConstant(x) || x.shape[0] !== batch) return null;
  if (!indices || !isConstant(indices) || indices.shape.length < 2 || indices.shape[0] !== 1) return null;
  const size = sizeOf(x.shape.slice(1));
  const data = Array.from(indices.data as readonly number[], (i) => (i < 0 ? i + size : i));
  if (!data.every((i) => i >= 0 && i < size)) return null;
  return ops.gather(ops.reshape(x, [batch, size]), constant(data, indices.shape.slice(1), 'int32'), 1);
}
