// Tiles of a sum of products: how many results are computed side by side, and how much of the sum is written out. Chosen
// by counting loads and multiplications, two of each a cycle.

import { productReads } from '../emit/nest-code.js';
import { orderProducts } from '../emit/order-products.js';
import { Index, type Loop } from '../ir/index-form.js';
import type { Access, Guard, Nest } from '../ir/nest.js';

export type Tiles = ReadonlyMap<Loop, number>;

/** Sums that are kept in registers, and products written out in a row: longer bodies are no faster. */
const limits = { sums: 12, products: 100 };
/** Cycles to test and branch at the end of a loop, to begin and to end a sum, and to test a guard. */
const cycles = { loop: 2, sum: 3, test: 6 };
/** Candidates whose loads are counted exactly; the others are ruled out by a lower bound. */
const examined = 10;

interface Candidate {
  readonly tiles: Tiles;
  readonly bound: number;
}

/** Tiles for the loops of a nest that is one sum of products; null for other nests. */
export function tileContraction(nest: Nest, vector: Loop | null, fixed: Loop | null): Tiles | null {
  const reads = nest.statements.length === 1 ? productReads(nest.statements[0]) : null;
  if (!reads || nest.inner.length === 0) return null;
  const outer = nest.outer.filter((loop) => loop !== fixed && loop.kind === undefined);
  const model = new Model(nest, reads, vector);
  const candidates: Candidate[] = [];
  for (const tiles of choices(outer, nest.inner, vector)) {
    candidates.push({ tiles, bound: model.cost(tiles, false) });
  }
  candidates.sort((a, b) => a.bound - b.bound);
  let best: { tiles: Tiles; cost: number } | null = null;
  for (const { tiles } of candidates.slice(0, examined)) {
    const cost = model.cost(tiles, true);
    if (!best || cost < best.cost) best = { tiles, cost };
  }
  return best && best.tiles;
}

/** Tiles on up to two outer loops and one or two inner ones. */
function* choices(outer: readonly Loop[], inner: readonly Loop[], vector: Loop | null): Generator<Tiles> {
  const extentOf = (loop: Loop) => (loop === vector ? Math.ceil(loop.extent / 4) : loop.extent);
  const sizes = (loop: Loop, most: number) =>
    Array.from({ length: Math.min(extentOf(loop), most) }, (_, i) => i + 1).filter(
      (n) => n > 1 && extentOf(loop) % n <= extentOf(loop) / 4,
    );
  const outerTiles: [Loop, number][][] = [[]];
  outer.forEach((a, i) => {
    for (const n of sizes(a, limits.sums)) {
      outerTiles.push([[a, n]]);
      for (const b of outer.slice(i + 1)) {
        for (const m of sizes(b, Math.floor(limits.sums / n)))
          outerTiles.push([
            [a, n],
            [b, m],
          ]);
      }
    }
  });
  const unrollable = inner.filter((loop) => loop.kind !== 'lane' && loop !== vector);
  const innerTiles: [Loop, number][][] = [[]];
  for (const loop of unrollable) {
    const whole = loop.extent <= 8 ? [loop.extent] : [];
    for (const n of new Set([...[2, 4].filter((n) => loop.extent % n === 0), ...whole])) innerTiles.push([[loop, n]]);
  }
  for (const results of outerTiles) {
    for (const terms of innerTiles) {
      const product = [...results, ...terms].reduce((p, [, n]) => p * n, 1);
      if (product <= limits.products) yield new Map([...results, ...terms]);
    }
  }
}

class Model {
  readonly #nest: Nest;
  readonly #reads: readonly [Access, Access];
  readonly #vector: Loop | null;

  constructor(nest: Nest, reads: readonly [Access, Access], vector: Loop | null) {
    this.#nest = nest;
    this.#reads = reads;
    this.#vector = vector;
  }

  /** Cycles of the whole nest, counting loads exactly or from below. */
  cost(tiles: Tiles, exact: boolean): number {
    const tiled = [...tiles.keys()];
    let total = 0;
    // Every combination of whole tiles and what is left of a loop.
    for (let mask = 0; mask < 2 ** tiled.length; mask++) {
      let repetitions = 1;
      const sizes = new Map<Loop, number>();
      tiled.forEach((loop, i) => {
        const extent = loop === this.#vector ? Math.ceil(loop.extent / 4) : loop.extent;
        const tile = tiles.get(loop)!;
        const rest = (mask >> i) & 1;
        sizes.set(loop, rest ? extent % tile : tile);
        repetitions *= rest ? Math.min(1, extent % tile) : Math.floor(extent / tile);
      });
      if (repetitions > 0) total += repetitions * this.#blockCost(sizes, exact);
    }
    const untiled = (loops: readonly Loop[]) =>
      loops.filter((loop) => !tiles.has(loop)).reduce((n, loop) => n * this.#steps(loop), 1);
    const rolledInner = untiled(this.#nest.inner);
    const sums = this.#nest.outer
      .filter(({ kind }) => kind === undefined)
      .reduce((n, loop) => n * this.#steps(loop), 1);
    return total * untiled(this.#nest.outer) * rolledInner + sums * cycles.sum;
  }

  #steps(loop: Loop): number {
    if (loop.kind === 'lane') return 1;
    return loop === this.#vector ? Math.ceil(loop.extent / 4) : loop.extent;
  }

  /** Cycles of one unrolled block. */
  #blockCost(sizes: Tiles, exact: boolean): number {
    const environments = combinations(sizes, this.#vector);
    const numbers = new Map<string, number>();
    let tests = 0;
    const products: { a: number; b: number }[] = [];
    for (const environment of environments) {
      const held = this.#reads.flatMap(({ guards }) => guards).map((guard) => holds(guard, environment));
      if (held.includes('never')) continue;
      if (held.includes('unknown')) tests++;
      const [a, b] = this.#reads.map(({ index, buffer }, operand) => {
        const key = `${operand}${buffer.name}${index.substitute(environment)}`;
        const number = numbers.get(key) ?? numbers.size;
        numbers.set(key, number);
        return number;
      });
      products.push({ a, b });
    }
    const sums = [...sizes].reduce((n, [loop, size]) => (this.#nest.outer.includes(loop) ? n * size : n), 1);
    const gathers = this.#reads.filter(
      ({ index }) => this.#vector && Math.abs(index.coefficient(this.#vector)) > 1,
    ).length;
    const loads = exact
      ? orderProducts(products, Math.max(3, 15 - sums)).filter((move) => 'load' in move).length
      : numbers.size;
    const each = 1 + 3 * gathers;
    return (
      Math.max(loads * each, products.length, sums >= 4 ? 0 : 4 * (products.length / sums)) / 2 +
      cycles.loop +
      tests * cycles.test
    );
  }
}

function combinations(sizes: Tiles, vector: Loop | null): Map<Loop, Index>[] {
  let environments: Map<Loop, Index>[] = [new Map()];
  for (const [loop, size] of sizes) {
    const step = loop === vector ? 4 : 1;
    environments = environments.flatMap((environment) =>
      Array.from({ length: size }, (_, i) =>
        new Map(environment).set(loop, new Index(step * i).plus(size === loop.extent ? 0 : rolled(loop, size))),
      ),
    );
  }
  return environments;
}

const rolledLoops = new WeakMap<Loop, Loop>();

/** The part of a tiled loop that is still a loop. */
function rolled(loop: Loop, size: number): Index {
  const over = rolledLoops.get(loop) ?? { name: `${loop.name}~`, extent: 2 };
  rolledLoops.set(loop, over);
  return Index.of(over).times(size);
}

/** Guards whose loops are all unrolled, or that loop bounds take care of, cost nothing. */
function holds({ index, size }: Guard, environment: ReadonlyMap<Loop, Index>): 'always' | 'never' | 'unknown' {
  const substituted = index.substitute(environment);
  const [low, high] = substituted.range();
  if (high < 0 || low >= size) return 'never';
  if (low >= 0 && high < size) return 'always';
  const untouched = [...index.terms.keys()].every((loop) => !environment.has(loop));
  return untouched && [...index.terms.values()].some((c) => Math.abs(c) === 1) ? 'always' : 'unknown';
}
