// What goes into several runs of a graph in one, and what comes out: every backend that has them checks them alike.

import type { Steps } from './backend.js';
import { BnError } from './errors.js';
import type { Graph } from './graph.js';
import { requireCount } from './options.js';
import { formatSpec, type Spec } from './spec.js';

export interface StepSpecs {
  /** By the graph's names; of stacked inputs [count, …]. */
  readonly inputs: ReadonlyMap<string, Spec>;
  /** By the graph's names; of outputs that are not carried [count, …]. */
  readonly outputs: ReadonlyMap<string, Spec>;
}

/** @throws `argument` for names that the graph does not have, and for results that do not fit into the next step */
export function stepSpecs(graph: Graph, { count, carried, stacked }: Steps): StepSpecs {
  const wrong = (what: string) => new BnError('argument', `several steps: ${what}`);
  requireCount('several steps: count', count);
  for (const name of stacked) {
    if (!graph.inputs.has(name)) throw wrong(`'${name}' is stacked, but the graph has no such input`);
  }
  for (const [output, input] of Object.entries(carried)) {
    const [from, to] = [graph.outputs.get(output), graph.inputs.get(input)];
    if (!from || !to || stacked.includes(input)) {
      throw wrong(`'${output}' cannot be carried to '${input}'; name an output, and an input that is not stacked`);
    }
    if (formatSpec(from) !== formatSpec(to)) {
      throw wrong(`'${output}' is ${formatSpec(from)}, but the input '${input}' ${formatSpec(to)}; carry equal specs`);
    }
  }
  const stack = ({ shape, dtype }: Spec): Spec => ({ shape: [count, ...shape], dtype });
  return {
    inputs: new Map([...graph.inputs].map(([name, x]) => [name, stacked.includes(name) ? stack(x) : x])),
    outputs: new Map([...graph.outputs].map(([name, y]) => [name, name in carried ? y : stack(y)])),
  };
}
