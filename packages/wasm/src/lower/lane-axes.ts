// Which axis lies in SIMD lanes. Axes that operations equate form classes; the class through which most arithmetic
// runs, as an axis of results, gets the lanes wherever it stands in a shape.

import { type Graph, isOp, type Tensor } from '@bn/core';

/** For each node the axis in lanes, or null. */
export type LaneAxes = ReadonlyMap<Tensor, number | null>;

/** Below this size lanes would be idle. */
const smallestAxis = 4;

/** @param rows an input whose first axis gets the lanes, in place of the axis with most arithmetic */
export function chooseLaneAxes(graph: Graph, rows: Tensor | null = null): LaneAxes {
  const classes = new AxisClasses(graph);
  for (const node of graph.nodes) equateAxes(node, classes);
  const best = rows ? classes.find(rows, 0) : classWithMostWork(graph, classes);
  return new Map(graph.nodes.map((node) => [node, laneAxisOf(node, classes, best)]));
}

function classWithMostWork(graph: Graph, classes: AxisClasses): number | null {
  /** By class. */
  const work = new Float64Array(classes.count);
  for (const node of graph.nodes) {
    const amount = arithmetic(node);
    const roots = node.shape.map((_, axis) => classes.find(node, axis));
    roots.forEach((root, axis) => {
      if (roots.indexOf(root) === axis) work[root] += amount;
    });
  }
  let best: number | null = null;
  for (const node of graph.nodes) {
    for (let axis = 0; axis < node.shape.length; axis++) {
      if (node.shape[axis]! < smallestAxis) continue;
      const root = classes.find(node, axis);
      if (work[root] > (best === null ? 0 : work[best])) best = root;
    }
  }
  return best;
}

function laneAxisOf(node: Tensor, classes: AxisClasses, lanes: number | null): number | null {
  let found: number | null = null;
  for (let axis = 0; axis < node.shape.length; axis++) {
    if (classes.find(node, axis) !== lanes) continue;
    if (found !== null) return null;
    found = axis;
  }
  return found !== null && canHaveLanes(node, found) ? found : null;
}

/** Whether a node's own rule leaves an axis of its result in peace. */
function canHaveLanes(node: Tensor, axis: number): boolean {
  if (isOp(node, 'conv2dFilterGradient')) return false;
  if (node.op.startsWith('conv2d')) return axis === 0;
  if (node.op.includes('Pool')) return axis < 2;
  if (isOp(node, 'concat')) return axis !== node.attributes.axis;
  return !isOp(node, 'pad') || node.attributes.before[axis] + node.attributes.after[axis] === 0;
}

/** Multiplications and additions, roughly; movement is free. */
export function arithmetic(node: Tensor): number {
  const size = sizeOf(node);
  if (isOp(node, 'matmul')) return size * node.inputs[0].shape.at(node.attributes.transposeA ? -2 : -1)!;
  if (isOp(node, 'conv2d')) return size * sizeOf(node.inputs[1], 1);
  if (isOp(node, 'conv2dInputGradient')) return sizeOf(node.inputs[0]) * sizeOf(node.inputs[1], 1);
  if (isOp(node, 'conv2dFilterGradient')) return sizeOf(node.inputs[1]) * sizeOf(node, 1);
  return node.inputs.length === 0 ? 0 : size / 1000;
}

function sizeOf({ shape }: Tensor, from = 0): number {
  return shape.slice(from).reduce<number>((product, n) => product * n!, 1);
}

/** Whether a node's computation follows its operand's lane axis loop for loop, so that lanes stay in place. */
export function keepsLanes(node: Tensor, operand: number, axes: LaneAxes): boolean {
  const axis = axes.get(node.inputs[operand]) ?? null;
  if (axis === null) return true;
  const own = axes.get(node) ?? null;
  if (own !== null) return parallelAxes(node).some(([of, from, to]) => of === operand && from === axis && to === own);
  return contractedAxes(node).some(([of, from]) => of === operand && from === axis);
}

/** An axis of an operand that runs along with an axis of the result. */
type Pair = readonly [operand: number, axis: number, own: number];

/** Graphs share most of their nodes with those that they are rewritten to. */
const known = new WeakMap<Tensor, readonly Pair[]>();

/** Axes of operands that run along with an axis of the result. */
export function parallelAxes(node: Tensor): readonly Pair[] {
  const pairs = known.get(node) ?? findParallelAxes(node);
  known.set(node, pairs);
  return pairs;
}

function findParallelAxes(node: Tensor): Pair[] {
  const rank = node.shape.length;
  if (isOp(node, 'transpose')) return node.attributes.permutation.map((axis, own) => [0, axis, own] as const);
  if (isOp(node, 'reshape')) {
    const pairs = unsplitAxes(node.inputs[0].shape as number[], node.shape as number[]);
    return pairs.map(([axis, own]) => [0, axis, own] as const);
  }
  if (isOp(node, 'sum') || isOp(node, 'max') || isOp(node, 'argmax')) {
    const reduced = isOp(node, 'argmax') ? [node.attributes.axis] : node.attributes.axes;
    const keepDims = !isOp(node, 'argmax') && node.attributes.keepDims;
    const kept = node.inputs[0].shape.flatMap((_, axis) => (reduced.includes(axis) ? [] : [axis]));
    return kept.map((axis, i) => [0, axis, keepDims ? axis : i] as const);
  }
  if (isOp(node, 'matmul')) {
    const { transposeA, transposeB } = node.attributes;
    const leading = node.shape.slice(0, -2).flatMap((_, axis) => [0, 1].map((of) => [of, axis, axis] as const));
    return [...leading, [0, rank - (transposeA ? 1 : 2), rank - 2], [1, rank - (transposeB ? 2 : 1), rank - 1]];
  }
  if (isOp(node, 'conv2dFilterGradient')) return [];
  if (node.op.startsWith('conv2d')) return [[0, 0, 0]];
  if (node.op.includes('Pool')) return node.inputs.flatMap((_, of) => [0, 1].map((axis) => [of, axis, axis] as const));
  if (isOp(node, 'gather')) return node.inputs[1].shape.map((_, i) => [1, i, node.attributes.axis + i] as const);
  // Elementwise operations, broadcasts, pads, slices and concatenations: aligned at the right, where sizes agree.
  const pairs: Pair[] = [];
  node.inputs.forEach(({ shape }, of) => {
    const added = rank - shape.length;
    for (let axis = 0; axis < shape.length; axis++) {
      if (shape[axis] === node.shape[axis + added] && !moved(node, axis)) pairs.push([of, axis, axis + added]);
    }
  });
  return pairs;
}

/** Axes of operands that are summed over and may lie in lanes. */
function contractedAxes(node: Tensor): (readonly [operand: number, axis: number])[] {
  const rank = node.inputs[0]?.shape.length ?? 0;
  if (isOp(node, 'sum') || isOp(node, 'max')) return node.attributes.axes.map((axis) => [0, axis] as const);
  if (isOp(node, 'matmul')) {
    const { transposeA, transposeB } = node.attributes;
    return [
      [0, rank - (transposeA ? 2 : 1)],
      [1, rank - (transposeB ? 1 : 2)],
    ];
  }
  return isOp(node, 'conv2dFilterGradient') ? [0, 1].map((of) => [of, 0] as const) : [];
}

/** Unites the axes of a node's result with those of its operands that run along with them. */
function equateAxes(node: Tensor, classes: AxisClasses): void {
  for (const [operand, axis, own] of parallelAxes(node)) classes.unite(node.inputs[operand], axis, node, own);
  const contracted = contractedAxes(node);
  if (contracted.length === 2 && contracted[0][0] !== contracted[1][0]) {
    const [[a, axisA], [b, axisB]] = contracted;
    classes.unite(node.inputs[a], axisA, node.inputs[b], axisB);
  }
}

/** Whether a slice or a pad shifts along an axis and keeps its size by chance. */
function moved(node: Tensor, axis: number): boolean {
  return isOp(node, 'pad') && node.attributes.before[axis] + node.attributes.after[axis] !== 0;
}

/** Pairs of axes that a reshape leaves as they are: same size, and the same number of elements before them. */
export function unsplitAxes(from: readonly number[], to: readonly number[]): [number, number][] {
  const before = (shape: readonly number[], axis: number) => shape.slice(0, axis).reduce((a, b) => a * b, 1);
  return from.flatMap((n, axis) => {
    if (n === 1) return [];
    const own = to.findIndex((m, i) => m === n && before(to, i) === before(from, axis));
    return own < 0 ? [] : [[axis, own] as [number, number]];
  });
}

/** Union-find over the axes of all nodes. */
class AxisClasses {
  /** The number of each node's first axis. */
  readonly #first = new Map<Tensor, number>();
  readonly #parents: number[] = [];

  constructor({ nodes, inputs }: Graph) {
    // Nothing may depend on an input.
    for (const node of new Set([...nodes, ...inputs.values()])) {
      this.#first.set(node, this.#parents.length);
      for (let i = 0; i < node.shape.length; i++) this.#parents.push(this.#parents.length);
    }
  }

  /** One more than the largest number of a class. */
  get count(): number {
    return this.#parents.length;
  }

  find(node: Tensor, axis: number): number {
    const parents = this.#parents;
    let root = this.#first.get(node)! + axis;
    while (parents[root] !== root) root = parents[root] = parents[parents[root]];
    return root;
  }

  unite(a: Tensor, axisA: number, b: Tensor, axisB: number): void {
    if (a.shape[axisA] !== b.shape[axisB]) return;
    this.#parents[this.find(a, axisA)] = this.find(b, axisB);
  }
}
