// Tiles of a sum of products: how many results are computed side by side, and how much of the sum is written out. Chosen
// by counting loads and multiplications, two of each a cycle.

import { Index, type Loop } from '../ir/index-form.js';
import { type Access, elementsOf, type Guard, isConstant, type Nest, productReads, registers } from '../ir/nest.js';
import { orderProducts } from './order-products.js';

export type Tiles = ReadonlyMap<Loop, number>;

/** Sums that are kept in registers, and products written out in a row: longer bodies are no faster. */
const limits = { sums: 12, fewSums: 8, products: 100 };
/**
 * Cycles at the end of a loop, to begin and end a sum, to add up its lanes alone or with three others, to test a guard; of a
 * load and a cache line even if hidden, and of a line that is not in a first-level cache; and to put aside what has no register.
 * Node 20 (V8 without Turboshaft) loads all operands of a block before it multiplies, later versions and other engines do not:
 * this is what Node 20 needs at the least, and all have it, so that they add in one order.
 */
const cycles = { loop: 2, sum: 3, lanes: 6, fourLanes: 2, test: 6, load: 0.08, line: 0.15, far: 5, spill: 0.6 };
/** Cycles until a sum can be added to again, times two additions a cycle. */
const latency = 8;
/** Elements in a cache line. */
const lineElements = 16;
/** Iterations of a third loop of results that is written out, as that over the rows of a small image. */
const smallest = 2;
/** Elements of a constant that are in cache when they are read again. */
const cached = 65_536;
/** Candidates whose loads are counted exactly; the others are ruled out by lower bounds. */
const examined = 4;

/** A loop that can be tiled. */
interface Side {
  readonly loop: Loop;
  /** Iterations, in vectors for the loop in lanes. */
  readonly steps: number;
  /** Elements between iterations, by operand. */
  readonly strides: readonly [number, number];
  /** Whether the results have it. */
  readonly isOuter: boolean;
}

/** So many iterations of a loop side by side. */
interface Tile {
  readonly side: Side;
  readonly size: number;
}

/** Tiles of several loops. */
interface Choice {
  readonly tiles: readonly Tile[];
  /** Products in a block, and results that they are added to. */
  readonly volume: number;
  readonly sums: number;
  /** Work with what tiles leave over counted as whole tiles, by what there is. */
  readonly excess: number;
  /** By operand: places that it has in a block at the least. */
  readonly places: readonly [number, number];
}

interface Candidate extends Choice {
  /** Cycles per product at the least, and with what tiles leave over counted as whole tiles. */
  readonly least: number;
  readonly bound: number;
}

/** Places of an operand in a block, and cache lines that they lie in. */
interface Footprint {
  readonly places: number;
  readonly lines: number;
}

/** By place of a block whether it is computed, null if all are; and how many places need a test. */
interface Tested {
  readonly held: readonly boolean[] | null;
  readonly tests: number;
}

const untested: Tested = { held: null, tests: 0 };

/** Tiles for the loops of a nest that is one sum of products; null for other nests. */
export function tileContraction(nest: Nest, vector: Loop | null, fixed: Loop | null): Tiles | null {
  const reads = nest.statements.length === 1 ? productReads(nest.statements[0]) : null;
  if (!reads || nest.inner.length === 0) return null;
  const [outer, inner] = [nest.outer, nest.inner].map((loops) =>
    loops.map((loop) => sideOf(loop, nest, reads, vector)),
  );
  const model = new Model([...outer, ...inner], reads, vector);
  const [{ target }] = nest.statements;
  const isResult = (loop: Loop) => loop !== fixed && loop.kind !== 'lane' && target.index.coefficient(loop) !== 0;
  const tiled = outer.filter(({ loop }) => isResult(loop));
  const unrolled = inner.filter(({ loop }) => loop !== vector && loop.kind !== 'lane');
  const isKnown = reads.some(({ buffer }) => isConstant(buffer));
  /** Those with the smallest bounds. */
  const candidates: Candidate[] = [];
  for (const { result, term, floor } of pairs(tiled, unrolled, isKnown).sort((a, b) => a.floor - b.floor)) {
    if (candidates.length === examined && floor > candidates[examined - 1].bound) break;
    const candidate = model.candidate(term ? extended(result, term) : result);
    const place = candidates.findLastIndex(({ bound }) => bound <= candidate.bound) + 1;
    candidates.splice(place, 0, candidate);
    if (candidates.length > examined) candidates.pop();
  }
  let best: { candidate: Candidate; cost: number } | null = null;
  for (const candidate of candidates) {
    if (best && model.total(candidate.least) >= best.cost) continue;
    const cost = model.cost(candidate);
    if (!best || cost < best.cost) best = { candidate, cost };
  }
  return best && new Map(best.candidate.tiles.map(({ side, size }) => [side.loop, size]));
}

function sideOf(loop: Loop, { outer }: Nest, [a, b]: readonly [Access, Access], vector: Loop | null): Side {
  const step = loop === vector ? 4 : 1;
  return {
    loop,
    steps: loop.kind === 'lane' ? 1 : Math.ceil(loop.extent / step),
    strides: [a.index.coefficient(loop) * step, b.index.coefficient(loop) * step],
    isOuter: outer.includes(loop),
  };
}

const noTiles: Choice = { tiles: [], volume: 1, sums: 1, excess: 1, places: [1, 1] };

function extended({ tiles, volume, sums, excess, places }: Choice, tile: Tile): Choice {
  const { side, size } = tile;
  return {
    tiles: [...tiles, tile],
    volume: volume * size,
    sums: side.isOuter ? sums * size : sums,
    excess: (excess * Math.ceil(side.steps / size) * size) / side.steps,
    places: [placesWith(places[0], tile, 0), placesWith(places[1], tile, 1)],
  };
}

/** Loops may move an operand to places where it has been, but not one loop alone. */
function placesWith(places: number, { side, size }: Tile, operand: 0 | 1): number {
  return side.strides[operand] === 0 ? places : Math.max(places, size);
}

/** Tiles of results, and perhaps of terms. */
interface Pair {
  readonly result: Choice;
  readonly term: Tile | null;
  /** Cycles per product: what the bound of both is not below, if guards leave nothing out. */
  readonly floor: number;
}

/**
 * Tiles on up to two outer loops and one inner one.
 *
 * @param whole whether a third outer loop may be written out as a whole
 */
function pairs(outer: readonly Side[], inner: readonly Side[], whole: boolean): Pair[] {
  const own = outer.map(resultTiles);
  const results = [noTiles, ...own.flat().map((tile) => extended(noTiles, tile))];
  own.forEach((tiles, i) => {
    for (const tile of tiles) {
      const single = extended(noTiles, tile);
      own.slice(i + 1).forEach((others) => {
        for (const other of others) if (tile.size * other.size <= limits.sums) results.push(extended(single, other));
      });
    }
  });
  if (whole) {
    const thirds = outer.filter(({ steps }) => steps <= smallest).map((side): Tile => ({ side, size: side.steps }));
    for (const result of results.filter(({ tiles }) => tiles.length === 2)) {
      for (const third of thirds) {
        const isNew = result.tiles.every(({ side }) => side !== third.side);
        if (isNew && result.sums * third.size <= limits.sums) results.push(extended(result, third));
      }
    }
  }
  const terms = inner.flatMap(termTiles);
  // Few sums would wait for each other.
  const fewest = Math.min(limits.fewSums, Math.max(...results.map(({ volume }) => volume)));
  const all: Pair[] = [];
  for (const result of results) {
    const { volume, sums, excess, places } = result;
    if (volume < fewest) continue;
    const floor = (products: number, loads: number) =>
      excess * (Math.max(1, latency / sums, loads / products) / 2 + (cycles.load * loads + cycles.loop) / products);
    all.push({ result, term: null, floor: floor(volume, places[0] + places[1]) });
    for (const term of terms) {
      const products = volume * term.size;
      if (products > limits.products) continue;
      // Terms leave nothing over.
      const loads = placesWith(places[0], term, 0) + placesWith(places[1], term, 1);
      all.push({ result, term, floor: floor(products, loads) });
    }
  }
  return all;
}

/** Tiles that leave little over. */
function resultTiles(side: Side): Tile[] {
  const tiles: Tile[] = [];
  for (let size = 2; size <= Math.min(side.steps, limits.sums); size++) {
    if (side.steps % size <= side.steps / 4) tiles.push({ side, size });
  }
  return tiles;
}

/** Tiles that leave nothing over. */
function termTiles(side: Side): Tile[] {
  const { steps } = side;
  const sizes = new Set([...[2, 4].filter((n) => steps % n === 0), ...(steps <= 8 ? [steps] : [])]);
  return [...sizes].map((size) => ({ side, size }));
}

/** What choices of tiles cost. */
class Model {
  readonly #sides: readonly Side[];
  readonly #guards: readonly Guard[];
  /** Places by strides and sizes: most choices of tiles differ for one of the operands only. */
  readonly #footprints = new Map<string, Footprint>();
  /** Vectors of results, and products for each. */
  readonly #results: number;
  readonly #products: number;
  /** By operand: cache lines of a large constant, else 0. */
  readonly #lines: readonly number[];
  /** Mean cost of loading an operand: four lanes that are apart are four loads and more. */
  readonly #loadCost: number;

  /** Whether sums end by adding up lanes. */
  readonly #reducesLanes: boolean;

  constructor(sides: readonly Side[], reads: readonly [Access, Access], vector: Loop | null) {
    this.#reducesLanes = sides.some(({ loop, isOuter }) => loop === vector && !isOuter);
    this.#sides = sides;
    this.#lines = reads.map(({ buffer }) => {
      const elements = isConstant(buffer) ? elementsOf(buffer) : 0;
      return elements > cached ? elements / lineElements : 0;
    });
    this.#guards = reads.flatMap(({ guards }) => guards);
    this.#results = sides.reduce((n, { steps, isOuter }) => (isOuter ? n * steps : n), 1);
    this.#products = sides.reduce((n, { steps, isOuter }) => (isOuter ? n : n * steps), 1);
    this.#loadCost = 1 + 2 * reads.filter(({ index }) => vector && ![0, 1].includes(index.coefficient(vector))).length;
  }

  /** Cycles per product of a whole tile, each operand loaded once; `bound`: more where tiles leave something over. */
  candidate(choice: Choice): Candidate {
    const passing = this.#passing(choice.tiles) / (this.#results * this.#products);
    const least = this.#blockCost(choice, false) / choice.volume + passing;
    return { ...choice, least, bound: choice.excess * least };
  }

  /** Cycles of the whole nest, given cycles per product. */
  total(perProduct: number): number {
    return perProduct * this.#results * this.#products + this.#results * this.#endOf(4);
  }

  /** Cycles of the whole nest. */
  cost({ tiles }: Choice): number {
    let total = 0;
    // Every combination of whole tiles and what is left of a loop.
    for (let mask = 0; mask < 2 ** tiles.length; mask++) {
      let repetitions = 1;
      let block = noTiles;
      tiles.forEach(({ side, size }, i) => {
        const isRest = ((mask >> i) & 1) === 1;
        const rest = side.steps % size;
        repetitions *= isRest ? Math.min(1, rest) : Math.floor(side.steps / size);
        block = extended(block, { side, size: isRest ? rest : size });
      });
      if (repetitions > 0) total += repetitions * this.#blockCost(block, true);
    }
    const untiled = this.#sides.filter((side) => tiles.every((tile) => tile.side !== side));
    const last = tiles.findLast(({ side }) => side.isOuter);
    const ends = this.#results * this.#endOf(last?.size ?? 1);
    return untiled.reduce((n, { steps }) => n * steps, total) + ends + this.#passing(tiles);
  }

  /** Cycles to read a large constant from far memory, as often as loops that it is the same for run around it. */
  #passing(tiles: readonly Tile[]): number {
    let total = 0;
    this.#lines.forEach((lines, operand) => {
      if (lines === 0) return;
      const times = this.#sides.reduce((n, side) => {
        const size = tiles.find((tile) => tile.side === side)?.size ?? 1;
        return side.isOuter && side.strides[operand] === 0 ? n * Math.ceil(side.steps / size) : n;
      }, 1);
      total += lines * times * cycles.far;
    });
    return total;
  }

  /** Cycles to begin and end a sum, with so many side by side along the last loop. */
  #endOf(size: number): number {
    if (!this.#reducesLanes) return cycles.sum;
    return cycles.sum + (size % 4 === 0 ? cycles.fourLanes : cycles.lanes);
  }

  /** Cycles of one unrolled block. */
  #blockCost({ tiles, volume, sums }: Choice, exact: boolean): number {
    const { held, tests } = this.#tested(tiles);
    if (!exact && !held?.includes(false)) {
      const a = this.#footprintOf(tiles, 0);
      const b = this.#footprintOf(tiles, 1);
      return this.#cycles(a.places + b.places, volume, sums, a.lines + b.lines, tests);
    }
    const numbers = new Map<number, number>();
    const numberOf = (place: number) => {
      const number = numbers.get(place) ?? numbers.size;
      numbers.set(place, number);
      return number;
    };
    const lines = new Set<number>();
    const products: { a: number; b: number }[] = [];
    const left = offsets(tiles, stridesOf(tiles, 0));
    const right = offsets(tiles, stridesOf(tiles, 1));
    for (let position = 0; position < volume; position++) {
      if (held?.[position] === false) continue;
      lines.add(2 * Math.floor(left[position] / lineElements));
      lines.add(2 * Math.floor(right[position] / lineElements) + 1);
      products.push({ a: numberOf(2 * left[position]), b: numberOf(2 * right[position] + 1) });
    }
    const loads = exact
      ? orderProducts(products, Math.max(3, registers - sums)).filter((move) => 'load' in move).length
      : numbers.size;
    return this.#cycles(loads, products.length, sums, lines.size, tests);
  }

  /** Of an operand, without guards. */
  #footprintOf(tiles: readonly Tile[], operand: 0 | 1): Footprint {
    let key = '';
    for (let i = 0; i < tiles.length; i++) {
      const stride = tiles[i].side.strides[operand];
      if (stride !== 0) key += `${stride}:${tiles[i].size} `;
    }
    let known = this.#footprints.get(key);
    if (!known) {
      known = footprintOf(tiles, operand);
      this.#footprints.set(key, known);
    }
    return known;
  }

  #cycles(loads: number, products: number, sums: number, lines: number, tests: number): number {
    return (
      Math.max(loads * this.#loadCost, products, (latency * products) / sums) / 2 +
      cycles.load * loads +
      cycles.line * lines +
      cycles.spill * Math.max(0, loads + sums - registers) +
      cycles.test * tests +
      cycles.loop
    );
  }

  /** By place whether guards hold, with bounds of loops taken as tests that cost nothing. */
  #tested(tiles: readonly Tile[]): Tested {
    const guards = this.#guards.length === 0 ? [] : this.#guards.flatMap((guard) => openGuard(guard, tiles) ?? []);
    if (guards.length === 0) return untested;
    const places = guards[0].shifts.length;
    const held = new Array<boolean>(places).fill(true);
    const isTested = new Array<boolean>(places).fill(false);
    for (const { shifts, low, high, size, isBound } of guards) {
      for (let i = 0; i < places; i++) {
        const first = low + shifts[i];
        const last = high + shifts[i];
        if (last < 0 || first >= size) held[i] = false;
        else if (!isBound && (first < 0 || last >= size)) isTested[i] = true;
      }
    }
    return { held, tests: isTested.filter((tested, i) => tested && held[i]).length };
  }
}

/** Smallest and largest index of a guard at the start of the block, and shifts by place; null if it holds everywhere. */
function openGuard({ index, size }: Guard, tiles: readonly Tile[]) {
  const coefficients = tiles.map(({ side }) => index.coefficient(side.loop));
  // Guards that no tile touches become bounds of loops.
  const touched = coefficients.some((coefficient) => coefficient !== 0);
  const isBound = !touched && index.terms.some(({ coefficient }) => Math.abs(coefficient) === 1);
  const whole = tiles.filter(({ side, size: n }) => side.steps === n).map(({ side }) => side.loop);
  const rolled = index.terms.filter(({ loop }) => !whole.includes(loop));
  const { low, high } = new Index(index.constant, rolled).range();
  let least = 0;
  let most = 0;
  tiles.forEach(({ size: n }, i) => {
    least += Math.min(0, coefficients[i] * (n - 1));
    most += Math.max(0, coefficients[i] * (n - 1));
  });
  if (isBound ? high >= 0 && low < size : low + least >= 0 && high + most < size) return null;
  return { shifts: offsets(tiles, coefficients), low, high, size, isBound };
}

/** How many places an operand has in a block without guards, and in how many cache lines. */
function footprintOf(tiles: readonly Tile[], operand: 0 | 1): Footprint {
  const moving = tiles.filter(({ side }) => side.strides[operand] !== 0);
  const sorted = new Int32Array(offsets(moving, stridesOf(moving, operand))).sort();
  let places = 1;
  let lines = 1;
  for (let i = 1; i < sorted.length; i++) {
    if (sorted[i] === sorted[i - 1]) continue;
    places++;
    if (Math.floor(sorted[i] / lineElements) !== Math.floor(sorted[i - 1] / lineElements)) lines++;
  }
  return { places, lines };
}

function stridesOf(tiles: readonly Tile[], operand: 0 | 1): number[] {
  return tiles.map(({ side }) => side.strides[operand]);
}

/** Σ stride · n for all positions n of a block, the last loop fastest. */
function offsets(tiles: readonly Tile[], strides: readonly number[]): number[] {
  let all = [0];
  for (let i = 0; i < tiles.length; i++) {
    const longer: number[] = [];
    for (let j = 0; j < all.length; j++) for (let n = 0; n < tiles[i].size; n++) longer.push(all[j] + n * strides[i]);
    all = longer;
  }
  return all;
}
