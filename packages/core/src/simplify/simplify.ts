// Algebra on graphs: the same results from fewer and smaller nodes, for all backends alike.

import { type Graph, replaceNodes } from '../graph.js';
import type { OperationName, Tensor } from '../tensor.js';
import { differences } from './differences.js';
import { movements } from './movements.js';
import { numbers } from './numbers.js';
import { removeVanishingSums } from './vanishing-sums.js';

/** What is computed instead of a node; null where the rule has nothing to say. The proof stands beside each rule. */
export type Rule = (node: Tensor) => Tensor | null;

/** By operation; they are tried in this order. */
export type Rules = Readonly<Partial<Record<OperationName, readonly Rule[]>>>;

/**
 * The graph of some outputs with every rule applied until none applies. Results are equal in exact arithmetic; rounding differs by units
 * in the last place, and in the sign of a zero. Inputs that are not finite make results not finite as before; only an
 * overflow between two factors that make up for each other may be gone.
 *
 * An input that a result depended on in form only may be gone from the graph.
 */
export function simplify(graph: Pick<Graph, 'outputs'>): Graph {
  const simpler = applyRules(graph);
  const without = removeVanishingSums(simpler);
  return without === simpler ? simpler : applyRules(without);
}

function applyRules(graph: Pick<Graph, 'outputs'>): Graph {
  return replaceNodes(graph, (node) => {
    for (const rules of all) {
      for (const rule of rules[node.op] ?? []) {
        const simpler = rule(node);
        if (simpler) return simpler;
      }
    }
    return node;
  });
}

const all = [movements, numbers, differences];
