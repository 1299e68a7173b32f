// Tiles of a sum of products: how many results are computed side by side, and how much of the sum is written out. Chosen
// by counting loads and multiplications, two of each a cycle.

import { orderProducts } from '../emit/order-products.js';
import { Index, type Loop } from '../ir/index-form.js';
import type { Access, Guard, Nest } from '../ir/nest.js';
import { productReads, registers } from '../ir/product-reads.js';

export type Tiles = ReadonlyMap<Loop, number>;

/** Sums that are kept in registers, and products written out in a row: longer bodies are no faster. */
const limits = { sums: 12, fewSums: 6, products: 100 };
/** Cycles at the end of a loop, to begin and end a sum, to test a guard; and of a load and a cache line even if hidden. */
const cycles = { loop: 2, sum: 3, test: 6, load: 0.08, line: 0.15 };
/** Cycles until a sum can be added to again, times two additions a cycle. */
const latency = 8;
/** Elements in a cache line. */
const lineElements = 16;
/** Candidates whose loads are counted exactly; the others are ruled out by a lower bound. */
const examined = 6;

interface Candidate {
  readonly tiles: Tiles;
  /** Cycles per product at the least, and with what tiles leave over counted as whole tiles. */
  readonly least: number;
  readonly bound: number;
}

/** Places of an operand in a block, and cache lines that they lie in. */
interface Places {
  readonly places: number;
  readonly lines: number;
}

/** Tiles for the loops of a nest that is one sum of products; null for other nests. */
export function tileContraction(nest: Nest, vector: Loop | null, fixed: Loop | null): Tiles | null {
  const reads = nest.statements.length === 1 ? productReads(nest.statements[0]) : null;
  if (!reads || nest.inner.length === 0) return null;
  const outer = nest.outer.filter((loop) => loop !== fixed && loop.kind !== 'lane');
  const model = new Model(nest, reads, vector);
  const candidates: Candidate[] = [];
  for (const tiles of choices(outer, nest.inner, vector)) candidates.push({ tiles, ...model.bounds(tiles) });
  candidates.sort((a, b) => a.bound - b.bound);
  let best: { tiles: Tiles; cost: number } | null = null;
  for (const { tiles, least } of candidates.slice(0, examined)) {
    if (best && model.total(least) >= best.cost) continue;
    const cost = model.cost(tiles);
    if (!best || cost < best.cost) best = { tiles, cost };
  }
  return best?.tiles ?? null;
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
  // Few sums would wait for each other.
  const most = Math.max(...outerTiles.map(volume));
  const unrollable = inner.filter((loop) => loop.kind !== 'lane' && loop !== vector);
  const innerTiles: [Loop, number][][] = [[]];
  for (const loop of unrollable) {
    const whole = loop.extent <= 8 ? [loop.extent] : [];
    for (const n of new Set([...[2, 4].filter((n) => loop.extent % n === 0), ...whole])) innerTiles.push([[loop, n]]);
  }
  for (const results of outerTiles) {
    if (volume(results) < Math.min(limits.fewSums, most)) continue;
    for (const terms of innerTiles) {
      if (volume([...results, ...terms]) <= limits.products) yield new Map([...results, ...terms]);
    }
  }
}

function volume(tiles: readonly (readonly [Loop, number])[]): number {
  return tiles.reduce((product, [, n]) => product * n, 1);
}

/** What an access costs: bytes by tiled loop, and whether each vector of it is four separate loads. */
class Model {
  readonly #nest: Nest;
  readonly #reads: readonly [Access, Access];
  readonly #guards: readonly Guard[];
  readonly #vector: Loop | null;
  /** Places by strides and sizes: most choices of tiles differ for one of the operands only. */
  readonly #places = new Map<string, Places>();
  /** Vectors of results, and products for each. */
  readonly #results: number;
  readonly #products: number;

  constructor(nest: Nest, reads: readonly [Access, Access], vector: Loop | null) {
    this.#nest = nest;
    this.#reads = reads;
    this.#guards = reads.flatMap(({ guards }) => guards);
    this.#vector = vector;
    this.#results = nest.outer.reduce((n, loop) => n * this.#steps(loop), 1);
    this.#products = nest.inner.reduce((n, loop) => n * this.#steps(loop), 1);
  }

  /** Cycles per product of a whole tile, each operand loaded once; `bound`: more where tiles leave something over. */
  bounds(tiles: Tiles): Omit<Candidate, 'tiles'> {
    const sizes = [...tiles.values()];
    const left = [...tiles].reduce((factor, [loop, tile]) => {
      const steps = this.#steps(loop);
      return (factor * Math.ceil(steps / tile) * tile) / steps;
    }, 1);
    const least = this.#blockCost([...tiles.keys()], sizes, false) / volume([...tiles]);
    return { least, bound: left * least };
  }

  /** Cycles of the whole nest, given cycles per product. */
  total(perProduct: number): number {
    return perProduct * this.#results * this.#products + this.#results * cycles.sum;
  }

  /** Cycles of the whole nest. */
  cost(tiles: Tiles): number {
    const tiled = [...tiles.keys()];
    let total = 0;
    // Every combination of whole tiles and what is left of a loop.
    for (let mask = 0; mask < 2 ** tiled.length; mask++) {
      let repetitions = 1;
      const sizes = tiled.map((loop, i) => {
        const [steps, tile] = [this.#steps(loop), tiles.get(loop)!];
        const isRest = ((mask >> i) & 1) === 1;
        repetitions *= isRest ? Math.min(1, steps % tile) : Math.floor(steps / tile);
        return isRest ? steps % tile : tile;
      });
      if (repetitions > 0) total += repetitions * this.#blockCost(tiled, sizes, true);
    }
    const untiled = (loops: readonly Loop[]) =>
      loops.filter((loop) => !tiles.has(loop)).reduce((n, loop) => n * this.#steps(loop), 1);
    return total * untiled(this.#nest.outer) * untiled(this.#nest.inner) + this.#results * cycles.sum;
  }

  /** Iterations, in vectors for the loop in lanes. */
  #steps(loop: Loop): number {
    if (loop.kind === 'lane') return 1;
    return loop === this.#vector ? Math.ceil(loop.extent / 4) : loop.extent;
  }

  /** Cycles of one unrolled block. */
  #blockCost(loops: readonly Loop[], sizes: readonly number[], exact: boolean): number {
    const steps = loops.map((loop) => (loop === this.#vector ? 4 : 1));
    const strides = this.#reads.map(({ index }) => loops.map((loop, i) => index.coefficient(loop) * steps[i]));
    const sums = loops.reduce((n, loop, i) => (this.#nest.outer.includes(loop) ? n * sizes[i] : n), 1);
    const { held, tests } = this.#tested(loops, sizes);
    if (!exact && !held?.includes(false)) {
      const [a, b] = strides.map((own) => this.#placesOf(own, sizes));
      const count = sizes.reduce((n, size) => n * size, 1);
      return this.#cycles(a.places + b.places, count, sums, a.lines + b.lines, tests);
    }
    const numbers = new Map<number, number>();
    const numberOf = (place: number) => {
      const number = numbers.get(place) ?? numbers.size;
      numbers.set(place, number);
      return number;
    };
    const lines = new Set<number>();
    const products: { a: number; b: number }[] = [];
    const [left, right] = strides.map((own) => offsets(own, sizes));
    left.forEach((_, position) => {
      if (held?.[position] === false) return;
      lines.add(2 * Math.floor(left[position] / lineElements));
      lines.add(2 * Math.floor(right[position] / lineElements) + 1);
      products.push({ a: numberOf(2 * left[position]), b: numberOf(2 * right[position] + 1) });
    });
    const loads = exact
      ? orderProducts(products, Math.max(3, registers - sums)).filter((move) => 'load' in move).length
      : numbers.size;
    return this.#cycles(loads, products.length, sums, lines.size, tests);
  }

  #placesOf(strides: readonly number[], sizes: readonly number[]): Places {
    let key = '';
    strides.forEach((stride, i) => {
      if (stride !== 0) key += `${stride}:${sizes[i]} `;
    });
    const known = this.#places.get(key) ?? distinctPlaces(strides, sizes);
    this.#places.set(key, known);
    return known;
  }

  #cycles(loads: number, products: number, sums: number, lines: number, tests: number): number {
    return (
      Math.max(loads * this.#loadCost(), products, (latency * products) / sums) / 2 +
      cycles.load * loads +
      cycles.line * lines +
      cycles.test * tests +
      cycles.loop
    );
  }

  /** Mean cost of loading an operand: four lanes that are apart are four loads and more. */
  #loadCost(): number {
    const vector = this.#vector;
    const gathered = this.#reads.filter(({ index }) => vector && ![0, 1].includes(index.coefficient(vector)));
    return 1 + 2 * gathered.length;
  }

  /** By place of a block whether it is computed, null if all are; and how many places need a test. */
  #tested(loops: readonly Loop[], sizes: readonly number[]): { held: readonly boolean[] | null; tests: number } {
    const guards = this.#guards.flatMap((guard) => this.#open(guard, loops, sizes) ?? []);
    if (guards.length === 0) return { held: null, tests: 0 };
    const held = guards[0].shifts.map(() => true);
    const isTested = held.map(() => false);
    for (const { shifts, low, high, size, isBound } of guards) {
      for (let i = 0; i < shifts.length; i++) {
        const [first, last] = [low + shifts[i], high + shifts[i]];
        if (last < 0 || first >= size) held[i] = false;
        else if (!isBound && (first < 0 || last >= size)) isTested[i] = true;
      }
    }
    return { held, tests: isTested.filter((tested, i) => tested && held[i]).length };
  }

  /** Smallest and largest index of a guard at the start of the block, and shifts by place; null if it holds everywhere. */
  #open({ index, size }: Guard, loops: readonly Loop[], sizes: readonly number[]) {
    const coefficients = loops.map((loop) => index.coefficient(loop));
    // Guards that no tile touches become bounds of loops.
    const touched = coefficients.some((c) => c !== 0);
    const isBound = !touched && [...index.terms.values()].some((c) => Math.abs(c) === 1);
    const whole = loops.filter((loop, i) => sizes[i] === this.#steps(loop));
    const rolled = [...index.terms].filter(([loop]) => !whole.includes(loop));
    const [low, high] = new Index(index.constant, rolled).range();
    const ends = coefficients.map((c, i) => c * (sizes[i] - 1));
    const [least, most] = [Math.min, Math.max].map((pick) => ends.reduce((sum, end) => sum + pick(0, end), 0));
    if (isBound ? high >= 0 && low < size : low + least >= 0 && high + most < size) return null;
    return { shifts: offsets(coefficients, sizes), low, high, size, isBound };
  }
}

/** How many places an operand has in a block without guards, and in how many cache lines. */
function distinctPlaces(strides: readonly number[], sizes: readonly number[]): Places {
  const moving = strides.map((stride, i) => (stride === 0 ? 1 : sizes[i]));
  const sorted = Int32Array.from(offsets(strides, moving)).sort();
  let [places, lines] = [1, 1];
  for (let i = 1; i < sorted.length; i++) {
    if (sorted[i] !== sorted[i - 1]) places++;
    if (Math.floor(sorted[i] / lineElements) !== Math.floor(sorted[i - 1] / lineElements)) lines++;
  }
  return { places, lines };
}

/** Σ stride · n for all positions n of a block, the last loop fastest. */
function offsets(strides: readonly number[], sizes: readonly number[]): number[] {
  let all = [0];
  strides.forEach((stride, i) => {
    const longer: number[] = [];
    for (const start of all) for (let n = 0; n < sizes[i]; n++) longer.push(start + n * stride);
    all = longer;
  });
  return all;
}
