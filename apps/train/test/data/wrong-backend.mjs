// The reference backend with one operation a thousandth too large: the engine says which.

import { createGraph, ops, Tensor } from '@bn/core';
import { createBackend as createReference } from '@bn/reference';

export async function createBackend({ engine }) {
  const backend = await createReference();
  const compile = backend.compile.bind(backend);
  return Object.assign(backend, { engine, compile: (graph) => compile(withMistake(graph, engine)) });
}

function withMistake(graph, wrongOperation) {
  const copies = new Map();
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((x) => copies.get(x));
    const copy = new Tensor(node.op, inputs, node.attributes, node, { origin: node.origin });
    copies.set(node, node.op === wrongOperation ? ops.mul(copy, 1.001) : copy);
  }
  return createGraph(new Map([...graph.outputs].map(([name, node]) => [name, copies.get(node)])));
}
