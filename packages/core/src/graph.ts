// A graph: named inputs, named outputs, and the nodes between them in the order in which they can be computed.

import { BnError } from './errors.js';
import { decomposeNode, type FusedName, fused } from './ops/fused.js';
import { formatSpec, type HostTensor, sameShape } from './spec.js';
import { constant, isOp, type OperationName, Tensor, withOrigin } from './tensor.js';

export interface Graph {
  readonly inputs: ReadonlyMap<string, Tensor<'input'>>;
  readonly outputs: ReadonlyMap<string, Tensor>;
  /** Every node that an output needs, inputs before users, each computation once. */
  readonly nodes: readonly Tensor[];
}

/**
 * The graph that computes `outputs`: nodes that no output needs are left out, equal computations are merged.
 *
 * @throws `argument` if two inputs share a name but not their spec.
 */
export function createGraph(outputs: ReadonlyMap<string, Tensor> | Readonly<Record<string, Tensor>>): Graph {
  return rebuild(outputs instanceof Map ? outputs : new Map(Object.entries(outputs)), (node) => node);
}

/**
 * What takes the place of a node, or the node itself. `node` has operands that are replaced already; `original` is the
 * node as it was in the graph. What is returned is looked at again, until nothing changes.
 */
export type Replacement = (node: Tensor, original: Tensor) => Tensor;

/** The graph of some outputs with nodes replaced, inputs before users. New nodes carry the origin of the node they replace. */
export function replaceNodes({ outputs }: Pick<Graph, 'outputs'>, replacement: Replacement): Graph {
  return rebuild(outputs, (node, original) => withOrigin(node.origin, () => replacement(node, original)));
}

/** The same graph with fused operations decomposed into primitives, but for those that the backend has kernels for. */
export function decomposeFused(graph: Graph, kernels: readonly FusedName[] = []): Graph {
  const isDecomposed = (node: Tensor): node is Tensor<FusedName> =>
    node.op in fused && !kernels.includes(node.op as FusedName);
  return graph.nodes.some(isDecomposed)
    ? rebuild(graph.outputs, (node) => (isDecomposed(node) ? decomposeNode(node) : node))
    : graph;
}

/** The same graph with these inputs as constants, e.g. the weights of a model that is not trained any more. */
export function bindInputs(graph: Graph, values: ReadonlyMap<string, HostTensor>): Graph {
  return rebuild(graph.outputs, (node) => {
    const value = isOp(node, 'input') ? values.get(node.attributes.name) : undefined;
    return value ? constant(value.data, node.shape) : node;
  });
}

/** The graph as text, one node a line. */
export function printGraph(graph: Graph): string {
  const name = new Map(graph.nodes.map((node, i) => [node, `%${i}`]));
  const lines = graph.nodes.map((node) => {
    const operands = node.inputs.map((x) => name.get(x)).join(', ');
    const { layer, direction } = node.origin;
    const from = isOp(node, 'input') || isOp(node, 'constant') ? '' : `  # ${`${layer} ${direction}`.trim()}`;
    return `${name.get(node)} = ${node.op}(${operands})${printAttributes(node)} : ${formatSpec(node)}${from}`;
  });
  for (const [key, node] of graph.outputs) lines.push(`output ${key} = ${name.get(node)}`);
  return `${lines.join('\n')}\n`;
}

function printAttributes(node: Tensor): string {
  if (isOp(node, 'constant')) {
    const { data } = node.attributes;
    return ` {${Array.from(data.subarray(0, 4)).join(', ')}${data.length > 4 ? ', …' : ''}}`;
  }
  const entries = Object.entries(node.attributes).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
  return entries.length === 0 ? '' : ` {${entries.join(', ')}}`;
}

/** Walks from the outputs, replaces nodes, and gives each computation one node. */
function rebuild(outputs: ReadonlyMap<string, Tensor>, replace: Replacement): Graph {
  const inputs = new Map<string, Tensor<'input'>>();
  const rebuilt = new Map<Tensor, Tensor>();
  /** By key, in the order in which they can be computed. */
  const merged = new Map<string, Tensor>();
  const isRebuilt = (node: Tensor) => rebuilt.has(node);
  // Calls itself for replacements alone, which are not as deep as graphs.
  const visit = (root: Tensor): Tensor => {
    // Most replacements stand on what is rebuilt already.
    for (const original of root.inputs.every(isRebuilt) ? [root] : operandsFirst(root, isRebuilt)) {
      if (rebuilt.has(original)) continue;
      const node = onRebuilt(original, rebuilt);
      const replacement = replace(node, original);
      rebuilt.set(original, replacement === node ? merge(node) : visit(replacement));
    }
    return rebuilt.get(root)!;
  };
  const merge = (node: Tensor): Tensor => {
    const isInput = isOp(node, 'input');
    if (isInput) requireOneSpec(inputs, node);
    const twin = merged.get(node.key);
    if (twin) return twin;
    merged.set(node.key, node);
    if (isInput) inputs.set(node.attributes.name, node);
    return node;
  };

  const results = new Map([...outputs].map(([name, node]) => [name, visit(node)]));
  const nodes = [...merged.values()];
  const wanted = needed(nodes, results.values());
  return {
    inputs: new Map([...inputs].filter(([, node]) => wanted.has(node))),
    outputs: results,
    nodes: nodes.filter((node) => wanted.has(node)),
  };
}

/** The nodes that `root` is computed from, and itself, operands first, but for those that are done. */
export function operandsFirst(
  root: Tensor,
  isDone: (node: Tensor) => boolean = () => false,
  operandsOf: (node: Tensor) => readonly Tensor[] = (node) => node.inputs,
): Tensor[] {
  const order: Tensor[] = [];
  /** Whether all operands are in the order. */
  const ready = new Map<Tensor, boolean>();
  const open = [root];
  for (let node = open.at(-1); node; node = open.at(-1)) {
    const state = ready.get(node);
    if (state === undefined && !isDone(node)) {
      ready.set(node, false);
      const operands = operandsOf(node);
      for (let i = operands.length - 1; i >= 0; i--) open.push(operands[i]!);
      continue;
    }
    open.pop();
    if (state !== false) continue;
    ready.set(node, true);
    order.push(node);
  }
  return order;
}

/** Those of `nodes` that a result needs: replacements leave some behind. */
function needed(nodes: readonly Tensor[], results: Iterable<Tensor>): ReadonlySet<Tensor> {
  const wanted = new Set(results);
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i]!;
    if (wanted.has(node)) for (let k = 0; k < node.inputs.length; k++) wanted.add(node.inputs[k]!);
  }
  return wanted;
}

/** The node on rebuilt operands; gradients have been taken, so that one given by hand is left behind. */
function onRebuilt(node: Tensor<OperationName>, rebuilt: ReadonlyMap<Tensor, Tensor>): Tensor {
  let isSame = !node.customGradient;
  for (let i = 0; isSame && i < node.inputs.length; i++) isSame = rebuilt.get(node.inputs[i]!) === node.inputs[i];
  if (isSame) return node;
  const operands = node.inputs.map((x) => rebuilt.get(x)!);
  return new Tensor(node.op, operands, node.attributes, node, { origin: node.origin });
}

function requireOneSpec(inputs: ReadonlyMap<string, Tensor>, node: Tensor<'input'>): void {
  const other = inputs.get(node.attributes.name);
  if (!other || (other.dtype === node.dtype && sameShape(other.shape, node.shape))) return;
  const seen = `${formatSpec(other)} and ${formatSpec(node)}`;
  throw new BnError('argument', `two graph inputs are named '${node.attributes.name}': ${seen}; rename one`);
}
