// Which axis lies in SIMD lanes. Axes that operations equate form classes; the class through which most arithmetic
// runs, as an axis of results, gets the lanes wherever it stands in a shape.

import type { Graph, ParallelAxis, Tensor } from '@bn/core';
import { sizeOf } from '../rules/axes.js';
import { isLeaf, ruleOf } from '../rules/table.js';

/** For each node the axis in lanes, or null. */
export type LaneAxes = ReadonlyMap<Tensor, number | null>;

/** Below this size lanes would be idle. */
export const smallestAxis = 4;

/** @param rows an input whose first axis gets the lanes, in place of the axis with most arithmetic */
export function chooseLaneAxes(graph: Graph, rows: Tensor | null = null): LaneAxes {
  const { first, classes } = equatedAxes(graph);
  const best = rows ? classes[first.get(rows)!] : classWithMostWork(graph, classes);
  const lanes = new Map<Tensor, number | null>();
  for (const node of graph.nodes) lanes.set(node, laneAxisOf(node, first.get(node)!, classes, best));
  return lanes;
}

function classWithMostWork({ nodes }: Graph, classes: Int32Array): number | null {
  /** By class. */
  const work = new Float64Array(classes.length);
  let next = 0;
  for (const node of nodes) {
    const first = next;
    const amount = arithmetic(node);
    next += node.shape.length;
    // Axes of one class count once.
    for (let i = first; i < next; i++) if (classes.indexOf(classes[i], first) === i) work[classes[i]] += amount;
  }
  let best: number | null = null;
  next = 0;
  for (const { shape } of nodes) {
    for (let axis = 0; axis < shape.length; axis++) {
      const own = classes[next++];
      if (shape[axis]! >= smallestAxis && work[own] > (best === null ? 0 : work[best])) best = own;
    }
  }
  return best;
}

function laneAxisOf(node: Tensor, first: number, classes: Int32Array, lanes: number | null): number | null {
  let found: number | null = null;
  for (let axis = 0; axis < node.shape.length; axis++) {
    if (classes[first + axis] !== lanes) continue;
    if (found !== null) return null;
    found = axis;
  }
  return found !== null && (isLeaf(node) || ruleOf(node).takesLanes(node as never, found)) ? found : null;
}

/** Multiplications and additions, roughly; movement is free. */
export function arithmetic(node: Tensor): number {
  if (isLeaf(node)) return 0;
  return ruleOf(node).products(node as never) || (node.inputs.length === 0 ? 0 : sizeOf(node) / 1000);
}

/** Whether a node, with its own lane axis, follows its operand's loop for loop, so that lanes stay in place. */
export function keepsLanes(node: Tensor, own: number | null, operand: number, axis: number): boolean {
  return own === null
    ? contractedAxes(node).some((other) => other.operand === operand && other.axis === axis)
    : parallelAxes(node).some((pair) => pair.own === own && pair.operand === operand && pair.axis === axis);
}

/** Graphs share most of their nodes with those that they are rewritten to. */
const known = new WeakMap<Tensor, readonly ParallelAxis[]>();

/** Axes of operands that run along with an axis of the result. */
export function parallelAxes(node: Tensor): readonly ParallelAxis[] {
  let pairs = known.get(node);
  if (!pairs) {
    pairs = isLeaf(node) ? [] : ruleOf(node).parallel(node as never);
    known.set(node, pairs);
  }
  return pairs;
}

const contractedAxes = (node: Tensor) => (isLeaf(node) ? [] : ruleOf(node).contracted(node as never));

/** The axes of all nodes, numbered from each node's `first` on, in classes of those that run along with each other. */
function equatedAxes({ nodes, inputs }: Graph): { first: ReadonlyMap<Tensor, number>; classes: Int32Array } {
  const first = new Map<Tensor, number>();
  const sizes: (number | null)[] = [];
  const number = (node: Tensor) => {
    first.set(node, sizes.length);
    for (let axis = 0; axis < node.shape.length; axis++) sizes.push(node.shape[axis]);
  };
  nodes.forEach(number);
  // Nothing may depend on an input.
  for (const node of inputs.values()) if (!first.has(node)) number(node);
  // Union-find.
  const parents = new Int32Array(sizes.length);
  for (let axis = 0; axis < parents.length; axis++) parents[axis] = axis;
  const find = (axis: number) => {
    while (parents[axis] !== axis) axis = parents[axis] = parents[parents[axis]];
    return axis;
  };
  // Smaller axes never get the lanes.
  const unite = (a: number, b: number) => {
    if (sizes[a] === sizes[b] && sizes[a]! >= smallestAxis) parents[find(a)] = find(b);
  };
  for (const node of nodes) {
    const own = first.get(node)!;
    const operands = node.inputs.map((x) => first.get(x)!);
    parallelAxes(node).forEach((pair) => {
      unite(operands[pair.operand] + pair.axis, own + pair.own);
    });
    const contracted = contractedAxes(node);
    if (contracted.length === 2 && contracted[0].operand !== contracted[1].operand) {
      const [a, b] = contracted;
      unite(operands[a.operand] + a.axis, operands[b.operand] + b.axis);
    }
  }
  for (let axis = 0; axis < parents.length; axis++) parents[axis] = find(axis);
  return { first, classes: parents };
}
