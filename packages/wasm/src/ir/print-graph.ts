// A graph as text.

import { type Graph, isOp, type Tensor } from '@bn/core';

/** A line for each node, operands before users. */
export function printGraph({ nodes, outputs }: Graph): string {
  const names = new Map<Tensor, string>();
  for (const node of nodes) names.set(node, isOp(node, 'input') ? node.attributes.name : `%${names.size}`);
  const lines = nodes
    .filter((node) => !isOp(node, 'input'))
    .map((node) => `${names.get(node)} ${node.dtype}[${node.shape}] = ${node.op}(${operandsOf(node, names)})`);
  for (const [name, node] of outputs) lines.push(`${name} = ${names.get(node)}`);
  return `${lines.join('\n')}\n`;
}

function operandsOf(node: Tensor, names: ReadonlyMap<Tensor, string>): string {
  if (isOp(node, 'constant')) {
    const { data } = node.attributes;
    return data.length > 4 ? `${data.length} numbers` : [...data].join(', ');
  }
  const attributes = Object.entries(node.attributes).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  return [...node.inputs.map((x) => names.get(x)!), ...attributes].join(', ');
}
