// What a shard keeps from segment to segment, so that it need not be computed anew.

import { sizeOf } from '../spec.js';
import type { Tensor } from '../tensor.js';
import type { Place } from './cut-graph.js';

/** What segments are for, and what may be kept between them. */
export interface Keeping {
  readonly levels: number;
  /** Nodes with rows that a segment's results are computed from. */
  readonly targetsAt: (level: number) => readonly Tensor[];
  readonly places: ReadonlyMap<Tensor, Place>;
  readonly examples: number;
  /** Of one example, at any time. */
  readonly keptBytes: number;
}

/** What takes long to compute. */
const products: ReadonlySet<string> = new Set(['matmul', 'conv2d', 'conv2dInputGradient']);

/**
 * For each segment what is kept after it, with names: products, and sums where branches meet, behind which all that is before would
 * have to be computed anew. If there is not room for all, those are kept that are needed next (Belády, 1966): so the last layers of
 * the forward pass stay for the backward pass, and what it finds missing is computed anew for several layers at once.
 */
export function keptValues({ levels, targetsAt, places, examples, keptBytes }: Keeping): Map<Tensor, string>[] {
  /** The segments that would be given a value if all could be kept, in order. */
  const uses = new Map<Tensor, number[]>();
  /** Nodes that a segment computes or is given, if `isGiven` are: also for later segments, as soon as that is possible. */
  const nodesOf = (level: number, isGiven: (node: Tensor, level: number) => boolean): Set<Tensor> => {
    const seen = new Set<Tensor>();
    const open = [...targetsAt(level), ...[...uses.keys()].filter((node) => places.get(node)!.level === level)];
    for (let next = open.pop(); next; next = open.pop()) {
      const { node, turn, rows, level: own } = places.get(next)!;
      if (!rows || turn || seen.has(node)) continue;
      seen.add(node);
      if (!isGiven(node, own)) open.push(...node.inputs);
    }
    return seen;
  };
  const isJoin = ({ op, inputs }: Tensor) =>
    (op === 'add' || op === 'concat') && new Set(inputs.filter((x) => places.get(x)!.rows)).size > 1;
  const isKeepable = (node: Tensor) => products.has(node.op) || isJoin(node);
  for (let level = levels - 1; level >= 0; level--) {
    for (const node of nodesOf(level, (one, own) => own < level && isKeepable(one))) {
      const isGiven = places.get(node)!.level < level && isKeepable(node);
      if (isGiven) uses.set(node, [level, ...(uses.get(node) ?? [])]);
    }
  }
  const bytesOf = ({ shape }: Tensor) => (4 * sizeOf(shape)) / examples;
  const names = new Map<Tensor, string>();
  const after: Map<Tensor, string>[] = [];
  for (let level = 0; level < levels; level++) {
    const before = after.at(-1) ?? new Map<Tensor, string>();
    const there = new Set([...before.keys(), ...nodesOf(level, (node) => before.has(node))]);
    const nextUse = (node: Tensor) => uses.get(node)?.find((use) => use > level) ?? Number.POSITIVE_INFINITY;
    const wanted = [...there].filter((node) => nextUse(node) < levels);
    wanted.sort((a, b) => nextUse(a) - nextUse(b) || bytesOf(a) - bytesOf(b));
    const kept = new Map<Tensor, string>();
    let left = keptBytes;
    for (const node of wanted) {
      if (bytesOf(node) > left) continue;
      left -= bytesOf(node);
      const name = names.get(node) ?? `kept ${names.size}`;
      names.set(node, name);
      kept.set(node, name);
    }
    after.push(kept);
  }
  return after;
}
