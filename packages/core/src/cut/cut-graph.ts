// Cuts a graph that computes on a batch into segments that compute on some of its examples at a time. Between segments, what the
// examples have in common is put together: sums, largest values, moments.
//
// A node is one of three things. It has rows, one block of elements for each example. Or it is the same for all examples, as
// parameters are. Or it reduces rows, and is the same for all from there on: that is a cut. A node's level is the number of cuts
// before it, and segment i computes what is of level i. So the cuts are found in any layer, by what it computes.

import { deviation } from '../axes.js';
import { BnError } from '../errors.js';
import { createGraph, type Graph, operandsFirst } from '../graph.js';
import { square } from '../ops/composed.js';
import { add, mul, sub } from '../ops/elementwise.js';
import { decomposeNode, type FusedName, fused } from '../ops/fused.js';
import { reshape } from '../ops/shape.js';
import { formatShape, type Spec, sizeOf } from '../spec.js';
import { input, isOp, type OperationName, Tensor, withOrigin } from '../tensor.js';
import { keptValues } from './keep.js';
import { LocalNodes, type TurnedInput } from './local-nodes.js';
import { effectOf, type Rows, type Turn, turnOf } from './rows.js';

/** The batch that a graph computes on. */
export interface Batched {
  readonly examples: number;
  /** Names of inputs that have one row for each example, along their first axis. The others are the same for all. */
  readonly rows: ReadonlySet<string>;
}

/**
 * Something that the examples have in common. Each shard has its part of it; `PartialResult`s are merged, and the result is the same for
 * all.
 *
 * - `sum`, `max`: over all examples.
 * - `mean`: of the shards' values, each weighted by its examples.
 * - `moments`: mean, and sum of squared differences from it, which are merged with the counts (Chan et al., 1979).
 * - `first`: values of the first example.
 * - `rows`: an output that has a row for each example: the rows of all.
 */
export interface Reduction {
  readonly kind: 'sum' | 'max' | 'mean' | 'moments' | 'first' | 'rows';
  /** The segment that gives the parts. */
  readonly level: number;
  /** Of the outputs of that segment: the result's one, or for moments a value, the mean of the differences from it, and the squares. */
  readonly parts: readonly string[];
  /** Of the inputs of later segments: the result, or for moments the mean, what is missing of it in float32, and the squares. */
  readonly results: readonly string[];
  readonly spec: Spec;
  /** Values of one example that the moments are of; else 1. */
  readonly valuesPerExample: number;
}

/** What a reduction is computed from. */
export interface Reduced {
  readonly reduction: Reduction;
  /** The reducing node; of moments and rows, the tensor that they are of. */
  readonly node: Tensor;
  /** Of moments. */
  readonly axes: readonly number[];
}

export interface Place {
  /** Computes it: the node of the graph, or what a fused one stands for. */
  readonly node: Tensor;
  readonly level: number;
  /** Null if it is the same for all examples. */
  readonly rows: Rows | null;
  /** If it is the same for all: how it is computed from inputs of the graph and results of reductions. */
  readonly value: Tensor | null;
  readonly turn: Turn | null;
  /** Why it cannot be computed in shards. */
  readonly refusal: BnError | null;
}

export interface Segment {
  /**
   * Inputs: those of the cut graph, with the shard's rows; results of reductions; what segments before have kept. Outputs: the
   * parts of this level's reductions, and what is kept.
   */
  readonly graph: Graph;
  /** Inputs with rows, each with that of the cut graph whose rows it has. */
  readonly rows: ReadonlyMap<string, TurnedInput>;
}

/** A graph in segments. */
export interface Cut {
  readonly batched: Batched;
  /** Of the graph of the whole batch. */
  readonly inputs: Graph['inputs'];
  /** Number of segments. */
  readonly levels: number;
  readonly reductions: readonly Reduction[];
  /** What is left when all is reduced: gives the outputs. */
  readonly last: Graph;
  /** What a shard of `size` examples computes after the segments before this one. */
  segment(level: number, size: number): Segment;
  /** Names of what a shard has kept after a segment: outputs of it, and what was kept before. */
  keptAfter(level: number): ReadonlySet<string>;
}

/**
 * @param keptBytes of each example that may be kept at any time from segment to segment. What is not kept is computed anew.
 * @throws `unsupported` naming the layer, for a graph that mixes examples otherwise than by sums and largest values
 */
export function cutGraph(graph: Graph, batched: Batched, keptBytes = Number.POSITIVE_INFINITY): Cut {
  const finder = new Finder(graph, batched);
  const { places, reduced } = finder;
  const last = createGraph(new Map([...graph.outputs].map(([name, node]) => [name, finder.outputOf(node)])));
  const levels = Math.max(0, ...reduced.map(({ reduction }) => reduction.level + 1));
  const hasRows = (node: Tensor) => places.get(node)!.rows !== null;
  /** What a segment is for. */
  const targetsAt = (level: number): Tensor[] =>
    reduced
      .filter(({ reduction }) => reduction.level === level)
      .flatMap(({ node }) => (hasRows(node) ? [node] : node.inputs.filter(hasRows)));
  const kept = keptValues({ levels, targetsAt, places, examples: batched.examples, keptBytes });
  const nothing = new Map<Tensor, string>();
  return {
    batched,
    inputs: graph.inputs,
    levels,
    reductions: reduced.map(({ reduction }) => reduction),
    last,
    keptAfter: (level) => new Set(kept[level]!.values()),
    segment(level, size) {
      const before = kept[level - 1] ?? nothing;
      const local = new LocalNodes(places, before, { examples: batched.examples, size });
      const outputs = new Map<string, Tensor>();
      for (const one of reduced) {
        if (one.reduction.level !== level) continue;
        for (const [i, part] of local.partsOf(one).entries()) outputs.set(one.reduction.parts[i]!, part);
      }
      for (const [node, name] of kept[level]!) if (!before.has(node)) outputs.set(name, local.of(node));
      return { graph: createGraph(outputs), rows: local.rowInputs };
    },
  };
}

/** Finds the place of each node. */
class Finder {
  readonly places = new Map<Tensor, Place>();
  readonly reduced: Reduced[] = [];
  readonly #batched: Batched;

  constructor({ nodes }: Graph, batched: Batched) {
    this.#batched = batched;
    for (const node of nodes) this.#visit(node);
  }

  /** An output of the graph, made of what is the same for all examples. */
  outputOf(node: Tensor): Tensor {
    const { refusal, rows, value, level } = this.places.get(node)!;
    if (refusal) throw refusal;
    if (!rows) return value!;
    if (rows.axis > 0) throw refusalOf(node);
    return this.#reduce({ kind: 'rows', level, node, spec: node })[0]!;
  }

  #visit(node: Tensor): void {
    this.places.set(
      node,
      withOrigin(node.origin, () => this.#placeOf(node)),
    );
  }

  #placeOf(node: Tensor): Place {
    const { examples, rows: named } = this.#batched;
    if (isOp(node, 'input') && named.has(node.attributes.name)) {
      return { ...nowhere, node, rows: { axis: 0, block: node.shape[0]! / examples } };
    }
    const rowsOf = (x: Tensor) => this.places.get(x)!.rows;
    const operands = node.inputs.map((x) => this.places.get(x)!);
    const level = Math.max(0, ...operands.map((operand) => operand.level));
    const turn = turnOf(node, rowsOf);
    if (turn) return { ...nowhere, node, level, rows: rowsOf(turn.x), turn };
    const refused = operands.find(({ refusal }) => refusal);
    if (refused) return refused;
    if (operands.every(({ rows }) => !rows)) return { ...nowhere, node, level, value: this.#valueOf(node) };
    const effect = effectOf(node, rowsOf, examples);
    if (effect.kind === 'mixed' && node.op in fused) {
      const whole = decomposeNode(node as Tensor<FusedName>);
      for (const inner of operandsFirst(whole, (x) => this.places.has(x))) this.#visit(inner);
      return this.places.get(whole)!;
    }
    if (effect.kind === 'kept') return { ...nowhere, node, level, rows: effect.rows };
    if (effect.kind === 'mixed') return { ...nowhere, node, level, refusal: refusalOf(node) };
    const apart = isOp(node, 'sum') ? this.#aroundMeans(node) : null;
    if (apart) return apart;
    const kind = effect.kind === 'first' ? 'first' : isOp(node, 'max') ? 'max' : 'sum';
    const [result] = this.#reduce({ kind, level, node, spec: node }) as [Tensor];
    return { ...nowhere, node, level: level + 1, value: result };
  }

  /** A node that is the same for all examples, on operands that are. */
  #valueOf(node: Tensor): Tensor {
    const operands = node.inputs.map((x) => this.places.get(x)!.value!);
    const isSame = operands.every((x, i) => x === node.inputs[i]);
    return isSame ? node : new Tensor<OperationName>(node.op, operands, node.attributes, node, { origin: node.origin });
  }

  #reduce({
    axes = [],
    valuesPerExample = 1,
    ...about
  }: Pick<Reduction, 'kind' | 'level' | 'spec'> & {
    node: Tensor;
    axes?: readonly number[];
    valuesPerExample?: number;
  }): Tensor[] {
    const { kind, level, node, spec } = about;
    const { shape, dtype } = spec;
    const name = `${kind} ${this.reduced.length}`;
    const isMoments = kind === 'moments';
    const parts = isMoments ? [`${name}: a value`, `${name}: mean`, `${name}: squares`] : [`${name}: part`];
    const results = isMoments ? [`${name}: mean of all`, `${name}: rest of it`, `${name}: squares of all`] : [name];
    const reduction = { kind, level, parts, results, spec: { shape, dtype }, valuesPerExample };
    this.reduced.push({ reduction, node, axes });
    return results.map((result) => input(result, shape, dtype));
  }

  /** By what moments are of. */
  readonly #moments = new Map<Tensor, { readonly axes: string; readonly results: Tensor[] }[]>();

  #momentsOf(x: Tensor, axes: readonly number[]): Tensor[] {
    const known = this.#moments.get(x) ?? [];
    const same = known.find((one) => one.axes === axes.join());
    if (same) return same.results;
    const shape = x.shape.map((n, axis) => (axes.includes(axis) ? 1 : n));
    const valuesPerExample = sizeOf(x.shape) / sizeOf(shape) / this.#batched.examples;
    const { level } = this.places.get(x)!;
    const results = this.#reduce({
      ...{ kind: 'moments', level, node: x, spec: { shape, dtype: 'float32' }, axes, valuesPerExample },
    });
    this.#moments.set(x, [...known, { axes: axes.join(), results }]);
    return results;
  }

  /**
   * Σ d or Σ d² of deviations d = x − m₀ − m₁ … from values that are only known after a cut, as a mean is. They need not be waited
   * for. With the number n of x, its mean μ and S = Σ (x − μ)²:
   *
   *   Σ d = n·(μ − m₀ − m₁ …),   Σ d² = S + n·(μ − m₀ − m₁ …)²
   */
  #aroundMeans(node: Tensor<'sum'>): Place | null {
    const [operand] = node.inputs as [Tensor];
    const { axes } = node.attributes;
    const squared = isOp(operand, 'mul') && operand.inputs[0] === operand.inputs[1];
    const { x, means } = deviation(squared ? operand.inputs[0]! : operand, axes);
    const { level, rows } = this.places.get(x)!;
    const places = means.map((mean) => this.places.get(mean)!);
    if (!rows || node.dtype !== 'float32' || places.some(({ value }) => !value)) return null;
    if (places.every((place) => place.level <= level)) return null;
    const [mean, rest, squares] = this.#momentsOf(x, axes) as [Tensor, Tensor, Tensor];
    const [nearest, ...others] = places.map(({ value }) => value!) as [Tensor, ...Tensor[]];
    const apart = others.reduce((left, other) => sub(left, other), add(sub(mean, nearest), rest));
    const n = sizeOf(x.shape) / sizeOf(mean.shape);
    const total = squared ? add(squares, mul(square(apart), n)) : mul(apart, n);
    return {
      ...nowhere,
      node,
      level: Math.max(level + 1, ...places.map((place) => place.level)),
      value: reshape(total, node.shape),
    };
  }
}

const nowhere = { level: 0, rows: null, value: null, turn: null, refusal: null } as const;

function refusalOf(node: Tensor): BnError {
  const where = node.origin.layer === '' ? node.op : `${node.origin.layer} (${node.op})`;
  const shapes = node.inputs.map(({ shape }) => formatShape(shape)).join(' and ');
  const what = `${where} of ${shapes} mixes the examples of a batch otherwise than by a sum or the largest`;
  return new BnError('unsupported', `${what}: a part of the batch cannot be computed by itself; take whole batches`);
}
