// Which axis lies in SIMD lanes. Axes that operations equate form classes; the class through which most arithmetic
// runs, as an axis of results, gets the lanes wherever it stands in a shape.

import { type Graph, isOp, type Tensor } from '@bn/core';
import { isElementwise } from './elementwise.js';
import { isTileTransform } from './tile-transform.js';

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
  return found !== null && canHaveLanes(node, found) ? found : null;
}

/** Whether a node's own rule leaves an axis of its result in peace. */
function canHaveLanes(node: Tensor, axis: number): boolean {
  if (isOp(node, 'conv2dFilterGradient')) return false;
  if (node.op.startsWith('conv2d') || isTileTransform(node)) return axis === 0;
  if (node.op.includes('Pool')) return axis < 2;
  if (isOp(node, 'concat')) return axis !== node.attributes.axis;
  return !isOp(node, 'pad') || node.attributes.before[axis] + node.attributes.after[axis] === 0;
}

const contractions: ReadonlySet<string> = new Set(['matmul', 'conv2d', 'conv2dInputGradient', 'conv2dFilterGradient']);

/** Multiplications and additions, roughly; movement is free. */
export function arithmetic(node: Tensor): number {
  const size = sizeOf(node);
  if (!contractions.has(node.op)) return node.inputs.length === 0 ? 0 : size / 1000;
  if (isOp(node, 'matmul')) return size * node.inputs[0].shape.at(node.attributes.transposeA ? -2 : -1)!;
  if (isOp(node, 'conv2d')) return size * sizeOf(node.inputs[1], 1);
  if (isOp(node, 'conv2dInputGradient')) return sizeOf(node.inputs[0]) * sizeOf(node.inputs[1], 1);
  return sizeOf(node.inputs[1]) * sizeOf(node, 1);
}

/** Elements of a node, or along its axes from one on. */
export function sizeOf({ shape }: Tensor, from = 0): number {
  let size = 1;
  for (let axis = from; axis < shape.length; axis++) size *= shape[axis]!;
  return size;
}

/** Whether a node, with its own lane axis, follows its operand's loop for loop, so that lanes stay in place. */
export function keepsLanes(node: Tensor, own: number | null, operand: number, axis: number): boolean {
  return own === null
    ? contractedAxes(node).some((other) => other.operand === operand && other.axis === axis)
    : parallelAxes(node).some((pair) => pair.own === own && pair.operand === operand && pair.axis === axis);
}

interface Contracted {
  readonly operand: number;
  readonly axis: number;
}

/** An axis of an operand that runs along with an axis of the result. */
interface Parallel extends Contracted {
  readonly own: number;
}

/** Graphs share most of their nodes with those that they are rewritten to. */
const known = new WeakMap<Tensor, readonly Parallel[]>();

/** Axes of operands that run along with an axis of the result. */
export function parallelAxes(node: Tensor): readonly Parallel[] {
  let pairs = known.get(node);
  if (!pairs) {
    pairs = isElementwise(node) ? alignedAxes(node) : findParallelAxes(node);
    known.set(node, pairs);
  }
  return pairs;
}

function findParallelAxes(node: Tensor): Parallel[] {
  const rank = node.shape.length;
  if (isOp(node, 'transpose')) return node.attributes.permutation.map((axis, own) => ({ operand: 0, axis, own }));
  if (isOp(node, 'reshape')) {
    const pairs = unsplitAxes(node.inputs[0].shape as number[], node.shape as number[]);
    return pairs.map(([axis, own]) => ({ operand: 0, axis, own }));
  }
  if (isOp(node, 'sum') || isOp(node, 'max') || isOp(node, 'argmax')) {
    const reduced = isOp(node, 'argmax') ? [node.attributes.axis] : node.attributes.axes;
    const keepDims = !isOp(node, 'argmax') && node.attributes.keepDims;
    const kept = [...node.inputs[0].shape.keys()].filter((axis) => !reduced.includes(axis));
    return kept.map((axis, i) => ({ operand: 0, axis, own: keepDims ? axis : i }));
  }
  if (isOp(node, 'matmul')) {
    const { transposeA, transposeB } = node.attributes;
    const leading = [...node.shape.slice(0, -2).keys()];
    return [
      ...leading.flatMap((axis) => [0, 1].map((operand) => ({ operand, axis, own: axis }))),
      { operand: 0, axis: rank - (transposeA ? 1 : 2), own: rank - 2 },
      { operand: 1, axis: rank - (transposeB ? 2 : 1), own: rank - 1 },
    ];
  }
  if (isOp(node, 'conv2dFilterGradient')) return [];
  if (node.op.startsWith('conv2d') || isTileTransform(node)) return [{ operand: 0, axis: 0, own: 0 }];
  if (node.op.includes('Pool')) {
    return node.inputs.flatMap((_, operand) => [0, 1].map((axis) => ({ operand, axis, own: axis })));
  }
  if (isOp(node, 'gather')) {
    return node.inputs[1].shape.map((_, i) => ({ operand: 1, axis: i, own: (node.attributes.axis as number) + i }));
  }
  return alignedAxes(node);
}

/** Of elementwise operations, broadcasts, pads, slices and concatenations: aligned at the right, where sizes agree. */
function alignedAxes(node: Tensor): Parallel[] {
  const pairs: Parallel[] = [];
  node.inputs.forEach(({ shape }, operand) => {
    const added = node.shape.length - shape.length;
    for (let axis = 0; axis < shape.length; axis++) {
      if (shape[axis] === node.shape[axis + added]) pairs.push({ operand, axis, own: axis + added });
    }
  });
  return pairs;
}

/** Axes of operands that are summed over, or of which one element is taken, and that may lie in lanes. */
function contractedAxes(node: Tensor): Contracted[] {
  if (isElementwise(node)) return [];
  if (isOp(node, 'slice')) {
    return node.shape.flatMap((n, axis) => (n === 1 && node.inputs[0].shape[axis] !== 1 ? [{ operand: 0, axis }] : []));
  }
  if (isOp(node, 'sum') || isOp(node, 'max')) return node.attributes.axes.map((axis) => ({ operand: 0, axis }));
  if (isOp(node, 'matmul')) {
    const { transposeA, transposeB } = node.attributes;
    const rank = node.shape.length;
    return [
      { operand: 0, axis: rank - (transposeA ? 2 : 1) },
      { operand: 1, axis: rank - (transposeB ? 1 : 2) },
    ];
  }
  return isOp(node, 'conv2dFilterGradient') ? [0, 1].map((operand) => ({ operand, axis: 0 })) : [];
}

/** Pairs of axes that a reshape leaves as they are: same size, and the same number of elements before them. */
export function unsplitAxes(from: readonly number[], to: readonly number[]): [number, number][] {
  const pairs: [number, number][] = [];
  // Elements before an axis grow with every axis but those of size 1.
  let before = 1;
  let own = 0;
  let ownBefore = 1;
  for (let axis = 0; axis < from.length; axis++) {
    while (own < to.length && (ownBefore < before || (ownBefore === before && to[own] === 1))) ownBefore *= to[own++];
    const isSame = from[axis] !== 1 && ownBefore === before && to[own] === from[axis];
    if (isSame) pairs.push([axis, own]);
    before *= from[axis];
  }
  return pairs;
}

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
