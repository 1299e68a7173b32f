// What a shard knows of something that all examples have in common, and how such parts become one.

import { createArray, joinArrays, type TypedArray } from '../spec.js';
import type { Reduction } from './cut-graph.js';

/** A part of a reduction, in double precision: sums of float32 numbers hardly round, in whatever order they are added. */
export interface PartialResult {
  /** Examples that it is of. With none, there is nothing in `arrays` that counts. */
  readonly examples: number;
  /** The sums, the largest values, the means, the first example's values, the rows, or means and squares. */
  readonly arrays: readonly Float64Array[];
}

/** Of no examples. */
const emptyPartial: PartialResult = { examples: 0, arrays: [] };

/** @param outputs of a segment, in the order of the reduction's `parts` */
export function partialOf({ kind }: Reduction, examples: number, outputs: readonly TypedArray[]): PartialResult {
  if (kind !== 'moments') return { examples, arrays: [new Float64Array(outputs[0]!)] };
  const [value, mean, squares] = outputs as [TypedArray, TypedArray, TypedArray];
  return { examples, arrays: [Float64Array.from(value, (v, i) => v + mean[i]!), new Float64Array(squares)] };
}

/** Two parts as one, for which the arrays of `a` may be used. `a` is of examples that come before those of `b`. */
function mergePartials({ kind, valuesPerExample }: Reduction, a: PartialResult, b: PartialResult): PartialResult {
  if (a.examples === 0) return b;
  if (b.examples === 0 || kind === 'first') return { ...a, examples: a.examples + b.examples };
  const examples = a.examples + b.examples;
  const [x, y] = [a.arrays[0]!, b.arrays[0]!];
  if (kind === 'rows') return { examples, arrays: [joinArrays([x, y])] };
  if (kind === 'sum') {
    // As many as there are weights.
    for (let i = 0; i < x.length; i++) x[i]! += y[i]!;
    return { examples, arrays: [x] };
  }
  if (kind === 'max') return { examples, arrays: [x.map((v, i) => Math.max(v, y[i]!))] };
  // Equal values have exactly that value as their mean.
  const share = b.examples / examples;
  const means = x.map((v, i) => v + (y[i]! - v) * share);
  if (kind === 'mean') return { examples, arrays: [means] };
  // Chan, Golub and LeVeque, 1979: with δ of the means, mean + δ·n_b/n and S_a + S_b + δ²·n_a·n_b/n.
  const weight = a.examples * share * valuesPerExample;
  const [s, t] = [a.arrays[1]!, b.arrays[1]!];
  return { examples, arrays: [means, s.map((v, i) => v + t[i]! + (y[i]! - x[i]!) ** 2 * weight)] };
}

/**
 * Parts of neighbouring shards as one. Their number is a power of two, and that of the first one a multiple of it: so they are put
 * together in the same order, and to the same bits, whoever has which shards.
 */
export interface Subtotal {
  /** Number of the first shard in the batch. */
  readonly first: number;
  /** Number of shards. */
  readonly count: number;
  readonly partial: PartialResult;
}

/** What is known before, and of the shards that follow; arrays of it may be used. */
export function addSubtotal(reduction: Reduction, before: readonly Subtotal[], next: Subtotal): Subtotal[] {
  const last = before.at(-1);
  if (last?.count !== next.count || last.first % (2 * last.count) !== 0) return [...before, next];
  const partial = mergePartials(reduction, last.partial, next.partial);
  return addSubtotal(reduction, before.slice(0, -1), { first: last.first, count: 2 * last.count, partial });
}

/** Of all shards. */
export function totalOf(reduction: Reduction, subtotals: readonly Subtotal[]): PartialResult {
  return subtotals.reduce((sum, { partial }) => mergePartials(reduction, sum, partial), emptyPartial);
}

/** What the segments after it are given, in the order of the reduction's `results`. */
export function resultsOf({ kind, spec }: Reduction, { arrays }: PartialResult): TypedArray[] {
  if (spec.dtype !== 'float32') {
    const data = createArray(spec.dtype, arrays[0]!.length);
    data.set(arrays[0]!);
    return [data];
  }
  if (kind !== 'moments') return [arrays[0]!];
  const [mean, squares] = arrays as [Float64Array, Float64Array];
  const near = mean.map(Math.fround);
  return [near, mean.map((v, i) => v - near[i]!), squares];
}
