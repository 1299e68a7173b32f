// A scheduled nest as a WebAssembly function.

import { Index, type Loop } from '../ir/index-form.js';
import { type Access, type Guard, guardsOf, type Nest, productReads, registers, type Statement } from '../ir/nest.js';
import { orderProducts, type Product } from '../plan/order-products.js';
import type { LoopPlan, Schedule } from '../plan/schedule.js';
import { Addressing, offsetOf, type Places, shiftOf } from './addressing.js';
import { Code, i32, scalar, v128, vector } from './code.js';
import type { Constants } from './constants.js';
import { loopBounds } from './loop-bounds.js';
import { pointInside, pointsOf, type Tile, type Where } from './points.js';
import { type Accumulator, Reductions } from './reductions.js';
import { type ActiveLanes, type Point, Values } from './values.js';

/** Parameters of every nest function: the group, or the first iteration; the one after the last; thread memory. */
export const nestParameters = 3;
const [firstParameter, endParameter, threadParameter] = [0, 1, 2];
/** Nests that are called for each group get the first group of the chunk in place of the end. */
const chunkParameter = endParameter;

/**
 * @param groups where the number of groups that there are stands; null: there are all
 * @returns what gives the function for buffers in these or in other places, which are found in the same ways
 */
export function emitNest(
  schedule: Schedule,
  places: Places,
  constants: Constants,
  { relaxed, groups }: { relaxed: boolean; groups: number | null },
): (places: Places) => Uint8Array {
  const code = new Code(nestParameters, relaxed);
  const addressing = new Addressing(code, places);
  new NestCode(code, schedule, addressing, new Values(code, constants, addressing, places), groups).emit();
  return (at) => {
    addressing.move(at);
    return code.encode();
  };
}

class NestCode {
  readonly #code: Code;
  readonly #schedule: Schedule;
  readonly #nest: Nest;
  readonly #groups: number | null;
  readonly #addressing: Addressing;
  readonly #values: Values;
  readonly #reductions: Reductions;
  readonly #reducesLanes: boolean;
  /** Guards that hold because of the bounds of loops now open. */
  readonly #established = new Set<string>();
  /** Loops now open, which indices may depend on at run time. */
  readonly #open = new Set<Loop>();
  readonly #guards: ReadonlyMap<Statement, readonly Guard[]>;

  constructor(code: Code, schedule: Schedule, addressing: Addressing, values: Values, groups: number | null) {
    this.#code = code;
    this.#groups = groups;
    this.#schedule = schedule;
    this.#nest = schedule.nest;
    this.#guards = new Map(schedule.nest.statements.map((statement) => [statement, guardsOf(statement)]));
    this.#addressing = addressing;
    this.#values = values;
    this.#reducesLanes = schedule.nest.inner.some((loop) => loop === schedule.vector);
    this.#reductions = new Reductions(code, this.#values, this.#reducesLanes);
  }

  emit(): void {
    const { drive, outer } = this.#schedule;
    const code = this.#code;
    const given = new Map<Loop, number>();
    const where: Where = { tiles: [], active: this.#schedule.vector ? 4 : 1 };
    if (drive === 'group') {
      const group = outer[0].loop;
      given.set(group, firstParameter);
      for (const { target } of this.#nest.statements) {
        for (const { loop } of target.index.terms) if (loop.kind === 'chunk') given.set(loop, chunkParameter);
      }
      this.#open.add(group);
      this.#start(given);
      if (this.#accumulates) {
        this.#reductions.tellFirst(() => {
          code.get(firstParameter);
          code.get(chunkParameter);
          code.scalar(scalar.gtS);
        });
      }
      this.#outer(1, { ...where, active: this.#activeInGroup(group) });
      return;
    }
    this.#start(given);
    this.#outer(0, where);
  }

  #start(given: ReadonlyMap<Loop, number>): void {
    this.#addressing.start(given, threadParameter);
    this.#values.preload();
  }

  /** Lanes of the present group that hold something. */
  #activeInGroup({ extent, lastLanes = 4 }: Loop): ActiveLanes {
    if (lastLanes === 4) return 4;
    const code = this.#code;
    const local = code.local(i32);
    code.constant(lastLanes);
    code.constant(4);
    code.get(firstParameter);
    code.constant(extent - 1);
    code.scalar(scalar.geS);
    code.scalar(scalar.select);
    code.set(local);
    return { local };
  }

  #outer(depth: number, where: Where): void {
    const { outer, drive } = this.#schedule;
    if (depth === outer.length) {
      this.#body(where);
      return;
    }
    const ranged = depth === 0 && drive === 'range';
    this.#iterate(outer[depth], where, ranged, (next) => this.#outer(depth + 1, next));
  }

  #inner(depth: number, where: Where, leaf: (where: Where) => void): void {
    const { inner } = this.#schedule;
    if (depth === inner.length) leaf(where);
    else this.#iterate(inner[depth], where, false, (next) => this.#inner(depth + 1, next, leaf));
  }

  /** Runs over a loop: whole tiles in a loop of their own, then what is left. */
  #iterate({ loop, tile }: LoopPlan, where: Where, ranged: boolean, body: (where: Where) => void): void {
    const isVector = loop === this.#schedule.vector;
    if (loop.kind === 'lane') {
      body(where);
      return;
    }
    if (isVector) {
      const [whole, rest] = [Math.floor(loop.extent / 4), loop.extent % 4];
      // Lanes that are left over are computed with the vectors that are, unless they are summed.
      const left = rest === 0 || this.#reducesLanes ? 0 : whole % tile;
      const partial: Tile = { loop, base: new Index(4 * (whole - left)), count: left + 1, lastActive: rest };
      const last = rest === 0 ? null : () => body({ ...where, tiles: [...where.tiles, partial] });
      this.#tiles({ loop, step: 4, extent: whole - left, tile }, where, ranged, body, last);
    } else if (loop.kind === 'group' && loop.lastLanes !== 4 && !ranged) {
      const partial: Tile = { loop, base: new Index(loop.extent - 1), count: 1 };
      const last = () => body({ tiles: [...where.tiles, partial], active: loop.lastLanes! });
      this.#tiles({ loop, step: 1, extent: loop.extent - 1, tile }, where, ranged, body, last);
    } else {
      this.#tiles({ loop, step: 1, extent: loop.extent, tile }, where, ranged, body, null);
    }
  }

  #tiles(
    { loop, step, extent, tile }: { loop: Loop; step: number; extent: number; tile: number },
    where: Where,
    ranged: boolean,
    body: (where: Where) => void,
    last: (() => void) | null,
  ): void {
    const whole = Math.floor(extent / tile);
    const rest = extent % tile;
    const visit = (base: Index, count: number) => () =>
      body({ ...where, tiles: [...where.tiles, { loop, base, count }] });
    const { over, base } = this.#addressing.tiled(loop, tile * step);
    const main = visit(base, tile);
    const tails = [...(rest > 0 ? [visit(new Index(whole * tile * step), rest)] : []), ...(last ? [last] : [])];
    if (ranged) this.#range(over, whole, main, tails);
    else {
      if (whole === 1) visit(new Index(0), tile)();
      else if (loop.kind === 'group' && rest === 0 && this.#groups !== null)
        this.#groupLoop(over, this.#groups, tile, main);
      else if (whole > 1) this.#openLoop(over, whole, where, main);
      for (const tail of tails) tail();
    }
  }

  /** The part of a loop that a call asks for, counted in tiles; what is left at the end counts as one tile. */
  #range(over: Loop, whole: number, main: () => void, tails: readonly (() => void)[]): void {
    const code = this.#code;
    const count = code.local(i32);
    // min(end, whole) − first
    code.get(endParameter);
    code.constant(whole);
    code.get(endParameter);
    code.constant(whole);
    code.scalar(scalar.ltS);
    code.scalar(scalar.select);
    code.get(firstParameter);
    code.scalar(scalar.sub);
    code.tee(count);
    code.constant(0);
    code.scalar(scalar.gtS);
    code.if(() => {
      if (whole > 0) this.#loop(over, { local: firstParameter }, { local: count }, main);
    });
    if (tails.length === 0) return;
    code.get(endParameter);
    code.constant(whole);
    code.scalar(scalar.gtS);
    code.if(() =>
      this.#values.scope(() => {
        for (const tail of tails) tail();
      }),
    );
  }

  /** A loop over tiles of groups, as far as there are groups: their number stands at `address`. */
  #groupLoop(over: Loop, address: number, tile: number, body: () => void): void {
    const code = this.#code;
    const local = code.local(i32);
    code.constant(0);
    code.loadI32(address);
    code.constant(tile - 1);
    code.scalar(scalar.add);
    code.constant(tile);
    code.scalar(scalar.divU);
    code.set(local);
    this.#loop(over, null, { local }, body);
  }

  /** Opens a loop, with the bounds that guards give it where they depend on nothing that is unrolled inside. */
  #openLoop(over: Loop, extent: number, where: Where, body: () => void): void {
    const bounds =
      this.#schedule.inner.some(({ loop }) => loop === over) &&
      loopBounds(this.#code, this.#addressing, over, this.#guardsOn(over, where), this.#open);
    if (!bounds) {
      this.#loop(over, null, extent, body);
      return;
    }
    for (const key of bounds.keys) this.#established.add(key);
    this.#code.get(bounds.count);
    this.#code.constant(0);
    this.#code.scalar(scalar.gtS);
    this.#code.if(() => this.#loop(over, { local: bounds.first }, { local: bounds.count }, body));
    for (const key of bounds.keys) this.#established.delete(key);
  }

  #loop(over: Loop, first: { local: number } | null, count: number | { local: number }, body: () => void): void {
    this.#open.add(over);
    this.#values.scope(() => this.#addressing.loop(over, first, count, body));
    this.#open.delete(over);
  }

  /** Guards that a loop takes part in, under the present tiles. */
  #guardsOn(over: Loop, { tiles }: Where): Guard[] {
    const single = new Map(tiles.filter(({ count }) => count === 1).map(({ loop, base }) => [loop, base]));
    return this.#nest.statements
      .flatMap((statement) => this.#guards.get(statement)!)
      .map(({ index, size }) => ({ index: index.substitute(single), size }))
      .filter(({ index }) => index.coefficient(over) !== 0);
  }

  /** Everything at one place of the rolled outer loops. */
  #body(where: Where): void {
    const points = pointsOf(where, this.#schedule.vector);
    if (this.#nest.statements.every(({ reduction }) => reduction === null)) {
      for (const point of points) for (const statement of this.#nest.statements) this.#assign(statement, point);
      return;
    }
    if (this.#accumulates && this.#schedule.drive !== 'group') this.#tellFirstBlock();
    const accumulators = points.flatMap((point) =>
      this.#nest.statements.map((statement) => this.#reductions.start(statement, point)),
    );
    this.#inner(0, { tiles: [], active: where.active }, (inside) => {
      const steps = pointsOf(inside, this.#schedule.vector);
      if (this.#multiplyBlock(accumulators, steps)) return;
      for (const { environment, active } of steps) {
        for (const accumulator of accumulators) {
          const at: Point = {
            ...pointInside(accumulator.point, environment),
            ...(this.#reducesLanes && { active }),
          };
          this.#guarded(accumulator.statement, at, () => this.#reductions.step(accumulator, at));
        }
      }
    });
    this.#finish(accumulators, where);
  }

  /** Stores all results: of sums over lanes four at a time, where a loop has so many side by side. */
  #finish(accumulators: readonly Accumulator[], { tiles }: Where): void {
    const count = this.#nest.statements.length;
    const last = tiles.findLast(({ count }) => count > 1);
    const step = last && this.#reducesLanes && last.count % 4 === 0 ? 4 : 1;
    for (let i = 0; i < accumulators.length; i += count * step) {
      for (let n = i; n < i + count; n++) {
        const first = accumulators[n];
        if (step === 1 || first.statement.reduction !== 'sum' || first.statement.value.kind !== 'f32') {
          for (let j = 0; j < step; j++) this.#reductions.finish(accumulators[n + count * j]);
          continue;
        }
        const { loop } = last!;
        const four = Array.from({ length: 4 }, (_, j) => accumulators[n + count * j]);
        const { environment } = first.point;
        const along = new Map(environment).set(loop, environment.get(loop)!.plus(Index.of(loop)));
        this.#reductions.finishFour(four, { environment: along, vector: loop, active: 4 });
      }
    }
  }

  get #accumulates(): boolean {
    return this.#nest.statements.some(({ reduction, accumulates }) => reduction && accumulates);
  }

  /** Sums are added block by block where an outer loop is not the target's. */
  #tellFirstBlock(): void {
    const [{ target }] = this.#nest.statements;
    const block = this.#nest.outer.find((loop) => target.index.coefficient(loop) === 0);
    if (!block) return;
    this.#reductions.tellFirst(() => {
      this.#addressing.pushValue(Index.of(block));
      this.#code.constant(0);
      this.#code.scalar(scalar.gtS);
    });
  }

  /** A statement without reduction. */
  #assign(statement: Statement, point: Point): void {
    const code = this.#code;
    this.#guarded(statement, point, () => {
      const value = code.local(v128);
      this.#values.push(statement.value, point);
      if (statement.accumulates) {
        this.#values.load(statement.target, point);
        code.vector(vector.add);
      }
      code.set(value);
      this.#values.store(statement.target, value, point);
    });
  }

  /** A block of products of two reads, ordered for registers. False if this is no such block. */
  #multiplyBlock(accumulators: readonly Accumulator[], steps: readonly Point[]): boolean {
    if (this.#reducesLanes && steps.some(({ active }) => active !== 4)) return false;
    const [statement, ...others] = this.#nest.statements;
    const reads = others.length === 0 ? productReads(statement) : null;
    if (!reads) return false;
    const isGuarded = this.#guards.get(statement)!.length > 0;
    const operands: { access: Access; at: Point }[] = [];
    const products: (Product & { result: number })[] = [];
    /** By operand: numbers by offset. */
    let numbers: Map<number, number>[] | null = null;
    const outer = accumulators.map(({ point }) => reads.map((access) => shiftOf(access, point.environment)));
    for (const { environment } of steps) {
      const inner = reads.map((access) => offsetOf(access, environment));
      for (let i = 0; i < accumulators.length; i++) {
        const { point, result } = accumulators[i];
        const here = () => pointInside(point, environment);
        const holds = isGuarded ? this.#guardsHold(statement, here()) : 'always';
        if (holds === 'unknown') return false;
        if (holds === 'never') continue;
        numbers ??= this.#numbersOf(reads, here());
        const numberOf = (of: 0 | 1) => {
          const offset = inner[of] + outer[i][of];
          let number = numbers![of].get(offset);
          if (number === undefined) {
            number = operands.push({ access: reads[of], at: here() }) - 1;
            numbers![of].set(offset, number);
          }
          return number;
        };
        products.push({ a: numberOf(0), b: numberOf(1), result });
      }
    }
    const locals = new Map<number, number>();
    for (const move of orderProducts(products, Math.max(3, registers - accumulators.length))) {
      if ('load' in move) {
        const local = this.#code.local(v128);
        this.#values.load(operands[move.load].access, operands[move.load].at);
        this.#code.set(local);
        locals.set(move.load, local);
      } else {
        const { a, b, result } = products[move.product];
        this.#code.multiplyAdd(locals.get(a)!, locals.get(b)!, result);
      }
    }
    return true;
  }

  /** For each of two accesses a map by offset, or one for both: iterations that are unrolled differ in offsets only. */
  #numbersOf(accesses: readonly Access[], { environment, vector: loop }: Point): Map<number, number>[] {
    const [a, b] = accesses.map((access) => this.#addressing.locate(access, environment, loop));
    const first = new Map<number, number>();
    return [first, a.pointer === b.pointer && a.laneStride === b.laneStride ? first : new Map()];
  }

  /** Emits `body` if a statement's guards hold, behind tests where that is known at run time only. */
  #guarded(statement: Statement, point: Point, body: () => void): void {
    const holds = this.#guardsHold(statement, point);
    if (holds === 'never') return;
    if (holds === 'always') {
      body();
      return;
    }
    const code = this.#code;
    this.#openGuards(statement, point)!.forEach(({ index, size }, i) => {
      this.#addressing.pushValue(index);
      code.constant(size);
      // An index below 0 is large without its sign.
      code.scalar(scalar.ltU);
      if (i > 0) code.scalar(scalar.and);
    });
    code.if(() => this.#values.scope(body));
  }

  #guardsHold(statement: Statement, point: Point): 'always' | 'never' | 'unknown' {
    const open = this.#openGuards(statement, point);
    return open === null ? 'never' : open.length === 0 ? 'always' : 'unknown';
  }

  /** Guards that have to be tested at run time; null if one does not hold anyway. */
  #openGuards(statement: Statement, { environment }: Point): Guard[] | null {
    const open: Guard[] = [];
    for (const guard of this.#guards.get(statement)!) {
      const index = guard.index.substitute(environment);
      const { low, high } = index.range();
      if (low === high && (low < 0 || low >= guard.size)) return null;
      if (low >= 0 && high < guard.size) continue;
      if (!this.#established.has(`${index}<${guard.size}`)) open.push({ index, size: guard.size });
    }
    return open;
  }
}
