// Addresses in emitted loops. Accesses that move alike through the loops share one pointer, which each loop advances by
// addition; what sets them apart is a constant offset in the instruction.

import type { Index, Loop } from '../ir/index-form.js';
import type { Access, Buffer } from '../ir/nest.js';
import { type Code, i32, scalar } from './code.js';
import type { Move } from './order-products.js';
import type { Place, Places } from './place.js';

interface Pointer {
  readonly place: Place;
  /** Bytes per iteration of each loop. */
  readonly strides: ReadonlyMap<Loop, number>;
  /** Smallest offset of any access: added to the pointer, so that offsets in instructions are not negative. */
  low: number;
}

/** The pointer of an access under substitutes for its loops, of which the constants do not matter. */
interface Found {
  readonly substitutes: readonly (ReadonlyMap<Loop, number> | undefined)[];
  readonly key: string;
  readonly laneStride: number;
  readonly pointer: Pointer;
}

/** What a first pass over a nest finds out and the second needs from the start. */
export class Survey {
  readonly pointers = new Map<string, Pointer>();
  /** Loops whose iteration number is needed as such. */
  readonly counted = new Set<Loop>();
  /** Addresses of vector constants. */
  readonly constants = new Set<number>();
  /** Orders of blocks of products, as they come. */
  readonly orders: (readonly Move[])[] = [];
  readonly #tiled = new Map<Loop, Map<number, Loop>>();

  /** The loop over whole tiles of `loop`. */
  tiled(loop: Loop, tile: number): Loop {
    const known = this.#tiled.get(loop) ?? new Map<number, Loop>();
    this.#tiled.set(loop, known);
    const over = known.get(tile) ?? { ...loop, name: `${loop.name}/${tile}`, extent: Math.floor(loop.extent / tile) };
    known.set(tile, over);
    return over;
  }
}

export interface Location {
  readonly key: string;
  readonly offset: number;
  /** Elements between lanes; 0 if all lanes are the same. */
  readonly laneStride: number;
}

export class Addressing {
  readonly #code: Code;
  readonly #survey: Survey;
  readonly #places: Places;
  readonly #buffers = new Map<Buffer, number>();
  readonly #loops = new Map<Loop, number>();
  /** Locals of pointers, as the loops now open have moved them. */
  readonly #current = new Map<string, number>();
  readonly #values = new Map<Loop, number>();
  /** Pointers found last, by access. */
  readonly #found = new Map<Access, Found>();
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
    const code = this.#code;
    for (const [loop, local] of given) this.#values.set(loop, local);
    for (const [key, { place, strides, low }] of this.#survey.pointers) {
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
      this.#current.set(key, local);
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
    const { buffer, index } = access;
    let constant = index.constant;
    for (const [loop, coefficient] of index.terms) constant += coefficient * (environment.get(loop)?.constant ?? 0);
    const { key, laneStride, pointer } = this.#pointerOf(access, environment, vector);
    const offset = constant * buffer.elementBytes;
    // Lanes may run backwards.
    pointer.low = Math.min(pointer.low, offset, offset + 3 * laneStride * buffer.elementBytes);
    return { key, offset, laneStride };
  }

  /** The pointer of an access. The unrolled iterations of a block differ in constants only, and have the same. */
  #pointerOf(access: Access, environment: ReadonlyMap<Loop, Index>, vector: Loop | null): Found {
    const { buffer, index } = access;
    const substitutes = [...index.terms.keys()].map((loop) => environment.get(loop)?.terms);
    const last = this.#found.get(access);
    if (last?.substitutes.every((terms, i) => terms === substitutes[i])) return last;
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
    for (const [loop, coefficient] of index.terms) {
      const terms = environment.get(loop)?.terms;
      if (!terms) move(loop, coefficient);
      else for (const [inner, c] of terms) move(inner, c * coefficient);
    }
    let key = `${numberOf(buffer, this.#buffers)}`;
    for (const [loop, stride] of strides) {
      if (stride === 0) strides.delete(loop);
      else key += `|${numberOf(loop, this.#loops)}:${stride}`;
    }
    const pointer = this.#survey.pointers.get(key) ?? { place, strides, low: Infinity };
    this.#survey.pointers.set(key, pointer);
    const found = { substitutes, key, laneStride, pointer };
    this.#found.set(access, found);
    return found;
  }

  /** Pushes the pointer of a location. What is to be added to it is `offset` of the result. */
  push({ key, offset }: Location): number {
    this.#code.get(this.#current.get(key) ?? 0);
    const pointer = this.#survey.pointers.get(key)!;
    // Later lanes lie before the first where their stride is negative.
    pointer.low = Math.min(pointer.low, offset);
    return offset - pointer.low;
  }

  /** Emits a loop; `count` and `first` are numbers or locals that hold them. */
  loop(loop: Loop, first: { local: number } | null, count: number | { local: number }, body: () => void): void {
    const code = this.#code;
    const moved = [...this.#survey.pointers].filter(([, { strides }]) => strides.has(loop));
    const outer = moved.map(([key]) => [key, this.#current.get(key)] as const);
    for (const [key, { strides }] of moved) {
      const local = code.local(i32);
      code.get(this.#current.get(key) ?? 0);
      if (first) {
        code.get(first.local);
        code.constant(strides.get(loop)!);
        code.scalar(scalar.mul);
        code.scalar(scalar.add);
      }
      code.set(local);
      this.#current.set(key, local);
    }
    const counted = this.#survey.counted.has(loop);
    const value = code.local(i32);
    if (counted) {
      if (first) code.get(first.local);
      else code.constant(0);
      code.set(value);
      this.#values.set(loop, value);
    }
    const left = code.local(i32);
    if (typeof count === 'number') code.constant(count);
    else code.get(count.local);
    code.set(left);
    code.loop(() => {
      body();
      for (const [key, { strides }] of moved) this.#advance(this.#current.get(key)!, strides.get(loop)!);
      if (counted) this.#advance(value, 1);
      code.get(left);
      code.constant(-1);
      code.scalar(scalar.add);
      code.tee(left);
      code.branchIf(0);
    });
    this.#values.delete(loop);
    for (const [key, local] of outer) if (local !== undefined) this.#current.set(key, local);
  }

  /** Pushes the value of an index over open loops. */
  pushValue(index: Index): void {
    const code = this.#code;
    code.constant(index.constant);
    for (const [loop, coefficient] of index.terms) {
      this.#survey.counted.add(loop);
      code.get(this.#values.get(loop) ?? 0);
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

function numberOf<T>(thing: T, numbers: Map<T, number>): number {
  let number = numbers.get(thing);
  if (number === undefined) {
    number = numbers.size;
    numbers.set(thing, number);
  }
  return number;
}
