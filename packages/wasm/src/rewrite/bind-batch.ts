// A graph of primitives with every size a number.

import { decomposeFused, type Graph, type OperationName, type Shape, Tensor } from '@bn/core';

/** The graph with fused operations decomposed and the symbolic batch dimension replaced by `batch`. */
export function bindBatch(graph: Graph, batch: number): Graph {
  const primitives = decomposeFused(graph);
  if (primitives.nodes.every(({ shape }) => !shape.includes(null))) return primitives;
  const bound = new Map<Tensor, Tensor>();
  const bind = (shape: Shape) => shape.map((n) => n ?? batch);
  for (const node of primitives.nodes) {
    const inputs = node.inputs.map((x) => bound.get(x)!);
    const attributes: Record<string, unknown> = { ...node.attributes };
    if (Array.isArray(attributes.shape)) attributes.shape = bind(attributes.shape as Shape);
    if (Array.isArray(attributes.end)) {
      attributes.end = (attributes.end as Shape).map((n, axis) => n ?? inputs[0].shape[axis]);
    }
    const spec = { shape: bind(node.shape), dtype: node.dtype };
    bound.set(node, new Tensor<OperationName>(node.op, inputs, attributes as never, spec, { origin: node.origin }));
  }
  const replace = <T extends Tensor>([name, node]: readonly [string, T]) => [name, bound.get(node) as T] as const;
  return {
    inputs: new Map([...primitives.inputs].map(replace)),
    outputs: new Map([...primitives.outputs].map(replace)),
    nodes: primitives.nodes.map((node) => bound.get(node)!),
  };
}
