// The nodes of a cut graph, made anew for some of the examples: what the graph of a segment consists of.

import { parallelAxes, reducedAxes } from '../axes.js';
import { BnError } from '../errors.js';
import { square } from '../ops/composed.js';
import { elementwise, sub } from '../ops/elementwise.js';
import { fused } from '../ops/fused.js';
import { mean, sum } from '../ops/reduction.js';
import { broadcastTo, iota, slice } from '../ops/shape.js';
import { apply, type Definitions } from '../primitive.js';
import { type PrimitiveName, primitives } from '../primitives.js';
import { numberOf } from '../simplify/numbers.js';
import { formatShape } from '../spec.js';
import { input, isOp, scalar, type Tensor, withOrigin } from '../tensor.js';
import type { Place, Reduced } from './cut-graph.js';
import { axisOfOperand, indexArithmetic, type Rows } from './rows.js';

/** How a node is made. */
interface Manner {
  /** Row i is the row i + `turn` of the node. */
  readonly turn: number;
  /** Numbers of examples count from the first of the shard. Otherwise they are refused. */
  readonly counts: boolean;
}

/** An input of a segment: row i is row i + `by` of the cut graph's input, the first following after the last. */
export interface TurnedInput {
  readonly name: string;
  readonly by: number;
}

const plain: Manner = { turn: 0, counts: false };

/** Nodes of a cut graph, made anew for `size` examples instead of `examples`. */
export class LocalNodes {
  readonly #places: ReadonlyMap<Tensor, Place>;
  /** Names of inputs that hold what a segment before has computed. */
  readonly #given: ReadonlyMap<Tensor, string>;
  readonly #examples: number;
  readonly #size: number;
  readonly #made = new Map<string, Map<Tensor, Tensor>>();
  readonly #rowInputs = new Map<string, TurnedInput>();

  constructor(
    places: ReadonlyMap<Tensor, Place>,
    given: ReadonlyMap<Tensor, string>,
    { examples, size }: { readonly examples: number; readonly size: number },
  ) {
    this.#places = places;
    this.#given = given;
    this.#examples = examples;
    this.#size = size;
  }

  /** Inputs with rows that were made. */
  get rowInputs(): ReadonlyMap<string, TurnedInput> {
    return this.#rowInputs;
  }

  /** What a shard contributes to a reduction, in the order of its `parts`. */
  partsOf({ reduction, node, axes }: Reduced): Tensor[] {
    return withOrigin(node.origin, () => {
      if (reduction.kind === 'rows') return [this.of(node)];
      if (reduction.kind !== 'moments') return [this.#applied(node, plain)];
      const x = this.of(node);
      // Around one of the values, as the layers do: exact where the mean is large.
      const start = x.shape.map(() => 0);
      const value = slice(
        x,
        start,
        x.shape.map((n, axis) => (axes.includes(axis) ? 1 : n)),
      );
      const shifted = sub(x, value);
      const own = mean(shifted, axes, { keepDims: true });
      return [value, own, sum(square(sub(shifted, own)), axes, { keepDims: true })];
    });
  }

  /** A node that has rows. */
  of(node: Tensor, manner: Manner = plain): Tensor {
    const key = `${manner.turn} ${manner.counts}`;
    const made = this.#made.get(key) ?? new Map<Tensor, Tensor>();
    this.#made.set(key, made);
    // Operands first: graphs are deeper than the stack.
    const open = [node];
    for (let next = open.at(-1); next; next = open.at(-1)) {
      const missing = made.has(next) ? [] : this.#operandsInManner(next, manner).filter((x) => !made.has(x));
      open.push(...missing);
      if (missing.length > 0) continue;
      open.pop();
      if (!made.has(next)) made.set(next, this.#make(next, manner));
    }
    return made.get(node)!;
  }

  /** Operands with rows that are made in the manner of the node. */
  #operandsInManner(original: Tensor, manner: Manner): Tensor[] {
    const { node, turn } = this.#places.get(original)!;
    if (turn || node.op === 'gather' || (manner.counts && !indexArithmetic.has(node.op))) return [];
    if (manner.turn === 0 && this.#given.has(node)) return [];
    return node.inputs.filter((x) => this.#places.get(x)!.rows);
  }

  #make(original: Tensor, manner: Manner): Tensor {
    const { node, rows, turn } = this.#places.get(original)!;
    const given = manner.turn === 0 ? this.#given.get(node) : undefined;
    if (given !== undefined) return input(given, this.#cut(node.shape, rows!), node.dtype);
    if (turn) return this.of(turn.x, { ...manner, turn: (manner.turn + turn.by) % this.#examples });
    if (isOp(node, 'input')) {
      const { name } = node.attributes;
      const turned = manner.turn === 0 ? name : `${name} from ${manner.turn} on`;
      this.#rowInputs.set(turned, { name, by: manner.turn });
      return input(turned, this.#cut(node.shape, rows!), node.dtype);
    }
    if (manner.counts && !indexArithmetic.has(node.op)) return this.of(original, { ...manner, counts: false });
    return withOrigin(node.origin, () => this.#applied(node, manner));
  }

  /** The operation on the shard's operands. */
  #applied(node: Tensor, manner: Manner): Tensor {
    const rows = this.#places.get(node)?.rows ?? null;
    const operands = node.inputs.map((x, i) => {
      if (!this.#places.get(x)!.rows) return this.#shared(node, i, rows, manner);
      // A shard finds the entries of its own examples, wherever they stand in the batch.
      const counts = isOp(node, 'gather') ? i === 1 && this.#places.get(node.inputs[0]!)!.rows !== null : manner.counts;
      return this.of(x, { ...manner, counts });
    });
    const attributes: Record<string, unknown> = { ...node.attributes };
    if (rows && (isOp(node, 'reshape') || isOp(node, 'broadcastTo'))) attributes.shape = this.#cut(node.shape, rows);
    if (rows && isOp(node, 'slice')) attributes.end = this.#cut(node.attributes.end, rows);
    return applied(node, operands, attributes);
  }

  /** An operand that is the same for all examples, cut where it has an entry for each. */
  #shared(node: Tensor, operand: number, rows: Rows | null, manner: Manner): Tensor {
    const x = this.#places.get(node.inputs[operand]!)!.value!;
    const along = rows ? parallelAxes(node).filter(({ own }) => own === rows.axis) : reducedAxes(node);
    const axis = along.find((one) => one.operand === operand)?.axis;
    return axis === undefined || x.shape[axis] === 1 ? x : this.#entries(x, axis, manner);
  }

  /** What has an entry for each example of a batch, but is computed from no example: made for those of the shard. */
  #entries(x: Tensor, axis: number, manner: Manner): Tensor {
    const size = (x.shape[axis]! / this.#examples) * this.#size;
    const shape = x.shape.with(axis, size) as readonly number[];
    const number = numberOf(x);
    if (number !== undefined) return broadcastTo(scalar(number, x.dtype), shape);
    if (isOp(x, 'iota') && (x.attributes.axis !== axis || manner.counts)) return iota(shape, x.attributes.axis);
    if (!(x.op in elementwise) && !['broadcastTo', 'reshape', 'transpose'].includes(x.op)) throw entriesRefusal(x);
    const operands = x.inputs.map((from, i) => {
      const at = axisOfOperand(x, i, axis);
      if (at === null) throw entriesRefusal(x);
      return (from.shape[at] ?? 1) === 1 ? from : this.#entries(from, at, manner);
    });
    return applied(x, operands, 'shape' in x.attributes ? { shape } : x.attributes);
  }

  #cut<N extends number | null>(shape: readonly N[], { axis, block }: Rows): N[] {
    return shape.with(axis, (this.#size * block) as N);
  }
}

function applied(node: Tensor, operands: readonly Tensor[], attributes: object): Tensor {
  const definitions = (node.op in fused ? fused : primitives) as Definitions<PrimitiveName>;
  return apply(definitions, node.op as PrimitiveName, operands as never, attributes as never);
}

function entriesRefusal({ op, origin, shape }: Tensor): BnError {
  const where = origin.layer === '' ? op : `${origin.layer} (${op})`;
  const what = `${where} of ${formatShape(shape)} has an entry for each example that is not computed from the example`;
  return new BnError('unsupported', `${what}: a part of the batch cannot be computed by itself; take whole batches`);
}
