// A graph with some of its nodes replaced: what rewrites of graphs have in common.

import { createGraph, type Graph, type OperationName, Tensor, withOrigin } from '@bn/core';

/**
 * What takes the place of `node`, or null to keep it. `copy` is the node on already replaced inputs, or what a replacement
 * before this one has made of it; `replaced` holds what other nodes have become. New nodes carry the origin of `node`.
 */
export type Replacement = (node: Tensor, copy: Tensor, replaced: ReadonlyMap<Tensor, Tensor>) => Tensor | null;

/** The graph with all replacements made at every node, inputs before users. */
export function replaceNodes(graph: Graph, replacements: readonly Replacement[]): Graph {
  const replaced = new Map<Tensor, Tensor>();
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((x) => replaced.get(x)!);
    const same = inputs.every((x, i) => x === node.inputs[i]);
    let made: Tensor = same
      ? node
      : new Tensor<OperationName>(node.op, inputs, node.attributes, node, { origin: node.origin });
    withOrigin(node.origin, () => {
      for (const replacement of replacements) made = replacement(node, made, replaced) ?? made;
    });
    replaced.set(node, made);
  }
  const rewritten = createGraph(new Map([...graph.outputs].map(([name, node]) => [name, replaced.get(node)!])));
  // Inputs that nothing depends on are still given to runs.
  return { ...rewritten, inputs: graph.inputs };
}
