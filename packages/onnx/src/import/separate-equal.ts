// Exporters write equal initializers once: two fresh biases, both zero, become one, though they are to be learned apart.

import type { OnnxGraph, OnnxNode } from './read-graph.js';
import type { Constant } from './value.js';
import { isNumbers, makersOf, weightInputsOf } from './weights.js';

/**
 * Gives each layer its own weights where it shares initializers whose values are all the same: what else is equal is so
 * because it is tied. Layers that share a weight are one, and share its bias.
 */
export function separateEqual(graph: OnnxGraph): OnnxGraph {
  const constants = new Map(graph.constants);
  // PyTorch leaves an Identity by the name that the other one had.
  const nodes = graph.nodes.filter(({ operator, inputs, outputs }) => {
    const constant = operator === 'Identity' ? constants.get(inputs[0] ?? '') : undefined;
    if (isUniform(constant)) constants.set(outputs[0]!, constant);
    return !isUniform(constant);
  });
  const makers = makersOf(nodes);
  /** By initializer: the layers that use it, and what each knows it by. */
  const users = new Map<string, Map<string, string>>();
  const ownName = (source: string, layer: string): string => {
    const constant = constants.get(source);
    if (!isUniform(constant)) return source;
    const names = users.get(source) ?? new Map([[layer, source]]);
    users.set(source, names);
    let name = names.get(layer) ?? layer.replace(/\.weight$/, '.bias');
    for (let i = 2; !names.has(layer) && (constants.has(name) || makers.has(name)); i++) name = `${source}_${i}`;
    names.set(layer, name);
    constants.set(name, constant);
    return name;
  };
  const separated = nodes.map((node) => {
    const weights = weightInputsOf(node, makers);
    const inputs = node.inputs.map((name, i) => (weights.includes(i) ? ownName(name, layerOf(node, i, makers)) : name));
    return { ...node, inputs };
  });
  return { ...graph, constants, nodes: separated };
}

function isUniform(constant: Constant | undefined): constant is Constant {
  return isNumbers(constant) && constant.data.every((value) => value === constant.data[0]);
}

/** What tells a layer from others: for a bias, the weight beside it or of the product that it is added to; else the node. */
function layerOf({ operator, inputs, outputs }: OnnxNode, i: number, makers: ReadonlyMap<string, OnnxNode>): string {
  const weight = operator === 'Add' ? makers.get(inputs[1 - i] ?? '')?.inputs[1] : i === 2 && inputs[1];
  return weight || outputs[0]!;
}
