// Entries gathered by computed indices: no backend reads outside a tensor, and an index outside is an error, not a value.

import type { Backend, Executable } from './backend.js';
import { BnError } from './errors.js';
import { createGraph, type Graph, replaceNodes } from './graph.js';
import { gather, maximum, minimum } from './ops/index.js';
import { isOp, type Tensor } from './tensor.js';

/**
 * Compiles a graph whose gathers cannot leave their tensors: computed indices are clamped in the graph and looked at after
 * each run. Backends call it around their own `compile`; graphs without computed indices are compiled as they are.
 *
 * @throws BnError `data`, also in `run`, for an index outside, naming it, its layer and the size
 */
export async function compileWithChecks(
  backend: Pick<Backend, 'download' | 'release'>,
  graph: Graph,
  compile: (graph: Graph) => Promise<Executable>,
): Promise<Executable> {
  if (!graph.nodes.some((node) => isOp(node, 'gather'))) return compile(graph);
  const checks = new Map<string, Tensor<'gather'>>();
  const done = new WeakSet<Tensor>();
  const clamped = replaceNodes(graph, (node, original) => {
    if (!isOp(node, 'gather') || done.has(original)) return node;
    const [x, indices] = node.inputs as [Tensor, Tensor];
    if (isOp(indices, 'constant')) {
      requireWithin(indices.attributes.data, node);
      return node;
    }
    checks.set(`indices ${checks.size}`, node);
    const last = x.shape[node.attributes.axis]! - 1;
    const safe = gather(x, maximum(minimum(indices, last), 0), node.attributes.axis);
    done.add(safe);
    return safe;
  });
  const computed = [...checks].map(([name, { inputs }]) => [name, inputs[1]!] as const);
  const executable = await compile(createGraph(new Map([...clamped.outputs, ...computed])));
  if (checks.size === 0) return executable;
  return {
    ...executable,
    run: async (inputs) => {
      const outputs = await executable.run(inputs);
      try {
        for (const [name, node] of checks) {
          requireWithin(await backend.download(outputs.get(name)!), node);
          backend.release(outputs.get(name)!);
          outputs.delete(name);
        }
      } catch (error) {
        for (const value of outputs.values()) backend.release(value);
        throw error;
      }
      return outputs;
    },
  };
}

function requireWithin(indices: ArrayLike<number>, { origin, inputs: [x], attributes: { axis } }: Tensor<'gather'>) {
  const size = x!.shape[axis]!;
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i]!;
    if (index >= 0 && index < size) continue;
    const where = origin.layer === '' ? 'gather' : `${origin.layer} (gather)`;
    throw new BnError('data', `${where}: the index ${index} is not in 0 … ${size - 1}; correct the data or the model`);
  }
}
