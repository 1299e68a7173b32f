// Addresses in emitted loops. Accesses that move alike through the loops share one pointer, which each loop advances by
// addition; what sets them apart is a constant offset in the instruction.

import { Index, type Loop } from '../ir/index-form.js';
import type { Access, Buffer } from '../ir/nest.js';
import { type Code, i32, type Offset, scalar } from './code.js';
import type { Place, Places } from './place.js';

interface Pointer {
  readonly place: Place;
  /** Bytes per iteration of each loop. */
  readonly strides: ReadonlyMap<Loop, number>;
  readonly number: number;
  /** Smallest offset of any access: added to the pointer, so that offsets in instructions are not negative. */
  low: number;
}

/** The pointer of an access under substitutes for its loops, of which the constants do not matter. */
interface Found {
  readonly substitutes: readonly (Index['terms'] | undefined)[];
  readonly laneStride: number;
  readonly pointer: Pointer;
}

/** What is found out while a nest is emitted, and needed from its start. */
export class Survey {
  readonly pointers = new Map<string, Pointer>();
  /** Loops whose iteration number is needed as such. */
  readonly counted = new Set<Loop>();
  /** Addresses of vector constants. */
  readonly constants = new Set<number>();
  /** Pointers by access. */
  readonly found = new Map<Access, Found[]>();
  readonly #tiled = new Map<Loop, Map<number, Tiled>>();
  readonly #numbers = new Map<Buffer | Loop, number>();

  /** The loop over whole tiles of `loop`. */
  tiled(loop: Loop, tile: number): Tiled {
    const known = this.#tiled.get(loop) ?? new Map<number, Tiled>();
    this.#tiled.set(loop, known);
    const tiled = known.get(tile) ?? tileLoop(loop, tile);
    known.set(tile, tiled);
    return tiled;
  }

  numberOf(thing: Buffer | Loop): number {
    const number = this.#numbers.get(thing) ?? this.#numbers.size;
    this.#numbers.set(thing, number);
    return number;
  }
}

interface Tiled {
  readonly over: Loop;
  /** The first iteration of a tile. */
  readonly base: Index;
}

function tileLoop(loop: Loop, tile: number): Tiled {
  const extent = Math.floor(loop.extent / tile);
  const over = tile === 1 ? loop : { ...loop, name: `${loop.name}/${tile}`, extent };
  return { over, base: Index.of(over).times(tile) };
}

export interface Location {
  readonly pointer: Pointer;
  readonly offset: number;
  /** Elements between lanes; 0 if all lanes are the same. */
  readonly laneStride: number;
}

/** Whether a pointer was found under substitutes that differ from these in constants only. */
function isUnder(environment: ReadonlyMap<Loop, Index>, { terms }: Index, { substitutes }: Found): boolean {
  for (let i = 0; i < terms.length; i++) if (environment.get(terms[i].loop)?.terms !== substitutes[i]) return false;
  return true;
}

/** The constant part of an access in bytes, under a substitution of loops. */
export function offsetOf(access: Access, environment: ReadonlyMap<Loop, Index>): number {
  return access.index.constant * access.buffer.elementBytes + shiftOf(access, environment);
}

/** Bytes by which the constants of a substitution move an access. */
export function shiftOf({ buffer, index }: Access, environment: ReadonlyMap<Loop, Index>): number {
  let shift = 0;
  for (const { loop, coefficient } of index.terms) shift += coefficient * (environment.get(loop)?.constant ?? 0);
  return shift * buffer.elementBytes;
}

export class Addressing {
  readonly #code: Code;
  readonly #survey: Survey;
  readonly #places: Places;
  /** Locals of pointers, as the loops now open have moved them. */
  readonly #current = new Map<Pointer, number>();
  readonly #values = new Map<Loop, number>();
  /** Locations found last: the same access is asked for several times in a row. */
  #located: { environment: ReadonlyMap<Loop, Index>; locations: Map<Access, Location> } = {
    environment: new Map(),
    locations: new Map(),
  };

  constructor(code: Code, survey: Survey, places: Places) {
    this.#code = code;
    this.#survey = survey;
    this.#places = places;
  }

  /** Sets up all pointers of the survey. `given` are loops whose iteration number is in a local. */
  start(given: ReadonlyMap<Loop, number>, threadMemory: number): void {
    this.#code.later(() => this.#setUp(given, threadMemory));
  }

  #setUp(given: ReadonlyMap<Loop, number>, threadMemory: number): void {
    const code = this.#code;
    for (const [loop, local] of given) this.#values.set(loop, local);
    for (const pointer of this.#survey.pointers.values()) {
      const { place, strides, low } = pointer;
      const local = code.local(i32);
      if (place.at === 'argument') {
        code.constant(0);
        code.loadI32(place.entry);
        code.constant(low);
        code.scalar(scalar.add);
      } else {
        code.constant(place.address + low);
        if (place.at === 'thread') {
          code.get(threadMemory);
          code.scalar(scalar.add);
        }
      }
      for (const [loop, value] of given) {
        const stride = strides.get(loop);
        if (stride === undefined) continue;
        code.get(value);
        code.constant(stride);
        code.scalar(scalar.mul);
        code.scalar(scalar.add);
      }
      code.set(local);
      this.#current.set(pointer, local);
    }
  }

  /** Finds an access under the present substitution of loops; `vector` is the loop in lanes. */
  locate(access: Access, environment: ReadonlyMap<Loop, Index>, vector: Loop | null): Location {
    if (this.#located.environment !== environment) this.#located = { environment, locations: new Map() };
    const { locations } = this.#located;
    const known = locations.get(access);
    if (known) return known;
    const location = this.#find(access, environment, vector);
    locations.set(access, location);
    return location;
  }

  #find(access: Access, environment: ReadonlyMap<Loop, Index>, vector: Loop | null): Location {
    const { laneStride, pointer } = this.#pointerOf(access, environment, vector);
    const offset = offsetOf(access, environment);
    // Lanes may run backwards.
    pointer.low = Math.min(pointer.low, offset, offset + 3 * laneStride * access.buffer.elementBytes);
    return { pointer, offset, laneStride };
  }

  /** The pointer of an access. The unrolled iterations of a block differ in constants only, and have the same. */
  #pointerOf(access: Access, environment: ReadonlyMap<Loop, Index>, vector: Loop | null): Found {
    const { buffer, index } = access;
    const known = this.#survey.found.get(access) ?? [];
    for (let i = known.length - 1; i >= 0; i--) if (isUnder(environment, index, known[i])) return known[i];
    const place = this.#places(buffer);
    let laneStride = 0;
    const strides = new Map<Loop, number>();
    const move = (loop: Loop, coefficient: number) => {
      if (loop === vector) laneStride += coefficient;
      // Memory of a thread holds one group only.
      else if (place.at !== 'thread' || loop.kind !== 'group') {
        strides.set(loop, (strides.get(loop) ?? 0) + coefficient * buffer.elementBytes);
      }
    };
    for (const { loop, coefficient } of index.terms) {
      const terms = environment.get(loop)?.terms;
      if (!terms) move(loop, coefficient);
      else for (const inner of terms) move(inner.loop, inner.coefficient * coefficient);
    }
    let key = `${this.#survey.numberOf(buffer)}`;
    for (const [loop, stride] of strides) {
      if (stride === 0) strides.delete(loop);
      else key += `|${this.#survey.numberOf(loop)}:${stride}`;
    }
    const { pointers } = this.#survey;
    const pointer = pointers.get(key) ?? { place, strides, number: pointers.size, low: Infinity };
    pointers.set(key, pointer);
    const substitutes = index.terms.map(({ loop }) => environment.get(loop)?.terms);
    const found = { substitutes, laneStride, pointer };
    this.#survey.found.set(access, [...known, found]);
    return found;
  }

  /** Pushes the pointer of a location. What is to be added to it is the result. */
  push({ pointer, offset }: Location): Offset {
    this.#code.later(() => this.#code.get(this.#current.get(pointer)!));
    // Later lanes lie before the first where their stride is negative.
    pointer.low = Math.min(pointer.low, offset);
    return () => offset - pointer.low;
  }

  /** Emits a loop; `count` and `first` are numbers or locals that hold them. */
  loop(loop: Loop, first: { local: number } | null, count: number | { local: number }, body: () => void): void {
    const code = this.#code;
    const outer = new Map<Pointer, number>();
    code.later(() => this.#enter(loop, first, outer));
    const left = code.local(i32);
    if (typeof count === 'number') code.constant(count);
    else code.get(count.local);
    code.set(left);
    code.loop(() => {
      body();
      code.later(() => {
        for (const pointer of outer.keys()) this.#advance(this.#current.get(pointer)!, pointer.strides.get(loop)!);
        if (this.#survey.counted.has(loop)) this.#advance(this.#values.get(loop)!, 1);
      });
      code.get(left);
      code.constant(-1);
      code.scalar(scalar.add);
      code.tee(left);
      code.branchIf(0);
    });
    code.later(() => {
      this.#values.delete(loop);
      for (const [pointer, local] of outer) this.#current.set(pointer, local);
    });
  }

  /** Gives a loop its own pointers, and its number where that is needed; those of before are left in `outer`. */
  #enter(loop: Loop, first: { local: number } | null, outer: Map<Pointer, number>): void {
    const code = this.#code;
    for (const pointer of this.#survey.pointers.values()) {
      const stride = pointer.strides.get(loop);
      if (stride === undefined) continue;
      const before = this.#current.get(pointer)!;
      outer.set(pointer, before);
      const local = code.local(i32);
      code.get(before);
      if (first) {
        code.get(first.local);
        code.constant(stride);
        code.scalar(scalar.mul);
        code.scalar(scalar.add);
      }
      code.set(local);
      this.#current.set(pointer, local);
    }
    const value = code.local(i32);
    if (!this.#survey.counted.has(loop)) return;
    if (first) code.get(first.local);
    else code.constant(0);
    code.set(value);
    this.#values.set(loop, value);
  }

  /** Pushes the value of an index over open loops. */
  pushValue({ constant, terms }: Index): void {
    const code = this.#code;
    for (const { loop } of terms) this.#survey.counted.add(loop);
    code.constant(constant);
    for (const { loop, coefficient } of terms) {
      code.later(() => code.get(this.#values.get(loop)!));
      if (coefficient !== 1) {
        code.constant(coefficient);
        code.scalar(scalar.mul);
      }
      code.scalar(scalar.add);
    }
  }

  #advance(local: number, by: number): void {
    this.#code.get(local);
    this.#code.constant(by);
    this.#code.scalar(scalar.add);
    this.#code.set(local);
  }
}
