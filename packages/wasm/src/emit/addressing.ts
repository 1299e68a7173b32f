// Addresses in emitted loops. Accesses that move alike through the loops share one pointer, which each loop advances by
// addition; what sets them apart is a constant offset in the instruction.

import { Index, type Loop } from '../ir/index-form.js';
import type { Access, Buffer } from '../ir/nest.js';
import { type Code, i32, type Offset, scalar } from './code.js';

/** Where a buffer is in memory, as emitted code finds it. */
export type Place =
  /** At an address known at compilation. */
  | { readonly at: 'fixed'; readonly address: number }
  /** At an offset from the memory of the thread that computes; without room for other groups than the present one. */
  | { readonly at: 'thread'; readonly address: number }
  /** At an address that a run leaves at `entry`. */
  | { readonly at: 'argument'; readonly entry: number };

export type Places = (buffer: Buffer) => Place;

interface Pointer {
  readonly buffer: Buffer;
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

/** A loop that is open, or the function around all loops: locals of what moves with it. */
interface Frame {
  readonly loop: Loop | null;
  /** Where pointers are within it: locals of its own, or of a frame around it. */
  readonly locals: Map<Pointer, number>;
  /** Those that have locals of its own. */
  readonly moved: { readonly pointer: Pointer; readonly local: number }[];
  /** A local with the number of the iteration, if that is needed as such; less than 0: it is not. */
  number: number;
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
  const { terms } = index;
  for (let i = 0; i < terms.length; i++) {
    const replacement = environment.get(terms[i].loop);
    if (replacement) shift += terms[i].coefficient * replacement.constant;
  }
  return shift * buffer.elementBytes;
}

export class Addressing {
  readonly #code: Code;
  #places: Places;
  readonly #pointers = new Map<string, Pointer>();
  /** Pointers by access. */
  readonly #found = new Map<Access, Found[]>();
  readonly #tiled = new Map<Loop, Map<number, Tiled>>();
  readonly #numbers = new Map<Buffer | Loop, number>();
  /** The function, and loops that are open. */
  readonly #frames: Frame[] = [{ loop: null, locals: new Map(), moved: [], number: -1 }];
  /** Loops whose iteration number is in a local from the start. */
  #given: ReadonlyMap<Loop, number> = new Map();
  /** Where accesses were found last: each is asked for several times in a row. */
  readonly #located = new Map<Access, { environment: ReadonlyMap<Loop, Index>; location: Location }>();

  constructor(code: Code, places: Places) {
    this.#code = code;
    this.#places = places;
  }

  /** The loop over whole tiles of `loop`. */
  tiled(loop: Loop, tile: number): Tiled {
    const known = this.#tiled.get(loop) ?? new Map<number, Tiled>();
    this.#tiled.set(loop, known);
    const tiled = known.get(tile) ?? tileLoop(loop, tile);
    known.set(tile, tiled);
    return tiled;
  }

  #numberOf(thing: Buffer | Loop): number {
    const known = this.#numbers.get(thing);
    if (known !== undefined) return known;
    this.#numbers.set(thing, this.#numbers.size);
    return this.#numbers.size - 1;
  }

  /** Sets up all pointers. `given` are loops whose iteration number is in a local. */
  start(given: ReadonlyMap<Loop, number>, threadMemory: number): void {
    this.#given = given;
    this.#code.later(() => {
      for (const { pointer, local } of this.#frames[0].moved) this.#setUp(pointer, local, threadMemory);
    });
  }

  /** Buffers lie elsewhere when the code is encoded the next time; how they are found stays. */
  move(places: Places): void {
    this.#places = places;
  }

  #setUp({ buffer, strides, low }: Pointer, local: number, threadMemory: number): void {
    const code = this.#code;
    const place = this.#places(buffer);
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
    this.#given.forEach((number, loop) => {
      const stride = strides.get(loop);
      if (stride !== undefined) this.#addProduct(number, stride);
    });
    code.set(local);
  }

  /** Finds an access under the present substitution of loops; `vector` is the loop in lanes. */
  locate(access: Access, environment: ReadonlyMap<Loop, Index>, vector: Loop | null): Location {
    const known = this.#located.get(access);
    if (known?.environment === environment) return known.location;
    const location = this.#find(access, environment, vector);
    this.#located.set(access, { environment, location });
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
    const known = this.#found.get(access);
    if (known) {
      for (let i = known.length - 1; i >= 0; i--) if (isUnder(environment, index, known[i])) return known[i];
    }
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
    const substitutes: Found['substitutes'][number][] = [];
    for (let i = 0; i < index.terms.length; i++) {
      const { loop, coefficient } = index.terms[i];
      const terms = environment.get(loop)?.terms;
      substitutes.push(terms);
      if (!terms) move(loop, coefficient);
      else for (let j = 0; j < terms.length; j++) move(terms[j].loop, terms[j].coefficient * coefficient);
    }
    let key = `${this.#numberOf(buffer)}`;
    strides.forEach((stride, loop) => {
      if (stride === 0) strides.delete(loop);
      else key += `|${this.#numberOf(loop)}:${stride}`;
    });
    let pointer = this.#pointers.get(key);
    if (!pointer) {
      pointer = { buffer, strides, number: this.#pointers.size, low: Infinity };
      this.#pointers.set(key, pointer);
    }
    const found = { substitutes, laneStride, pointer };
    if (known) known.push(found);
    else this.#found.set(access, [found]);
    return found;
  }

  /** Pushes the pointer of a location; what is to be added to it is the result. */
  push(location: Location): Offset {
    this.#code.get(this.#localOf(location.pointer, this.#frames.length - 1));
    return location;
  }

  /** The local of a pointer in a frame: its own, if the pointer moves with the frame's loop. */
  #localOf(pointer: Pointer, depth: number): number {
    const { loop, locals, moved } = this.#frames[depth];
    const known = locals.get(pointer);
    if (known !== undefined) return known;
    const around = depth === 0 ? -1 : this.#localOf(pointer, depth - 1);
    let local = around;
    if (loop === null || pointer.strides.has(loop)) {
      local = this.#code.local(i32);
      moved.push({ pointer, local });
    }
    locals.set(pointer, local);
    return local;
  }

  /** Emits a loop; `count` and `first` are numbers or locals that hold them. */
  loop(loop: Loop, first: { local: number } | null, count: number | { local: number }, body: () => void): void {
    const code = this.#code;
    const frame: Frame = { loop, locals: new Map(), moved: [], number: -1 };
    const outer = this.#frames.at(-1)!;
    code.later(() => this.#enter(frame, outer, first));
    const left = code.local(i32);
    if (typeof count === 'number') code.constant(count);
    else code.get(count.local);
    code.set(left);
    code.countDown(left, () => {
      this.#frames.push(frame);
      body();
      this.#frames.pop();
      for (const { pointer, local } of frame.moved) this.#advance(local, pointer.strides.get(loop)!);
      if (frame.number >= 0) this.#advance(frame.number, 1);
    });
  }

  /** Gives a loop its own pointers, and its number where that is needed. */
  #enter({ loop, moved, number }: Frame, outer: Frame, first: { local: number } | null): void {
    const code = this.#code;
    for (const { pointer, local } of moved) {
      code.get(outer.locals.get(pointer)!);
      if (first) this.#addProduct(first.local, pointer.strides.get(loop!)!);
      code.set(local);
    }
    if (number < 0) return;
    if (first) code.get(first.local);
    else code.constant(0);
    code.set(number);
  }

  /** Pushes the value of an index over open loops. */
  pushValue({ constant, terms }: Index): void {
    const code = this.#code;
    code.constant(constant);
    for (const { loop, coefficient } of terms) {
      code.get(this.#iterationOf(loop));
      if (coefficient !== 1) {
        code.constant(coefficient);
        code.scalar(scalar.mul);
      }
      code.scalar(scalar.add);
    }
  }

  /** A local with the number of a loop's iteration. */
  #iterationOf(loop: Loop): number {
    const given = this.#given.get(loop);
    if (given !== undefined) return given;
    const frame = this.#frames.findLast((frame) => frame.loop === loop)!;
    if (frame.number < 0) frame.number = this.#code.local(i32);
    return frame.number;
  }

  /** Adds `factor` · `local` to what is on the stack. */
  #addProduct(local: number, factor: number): void {
    const code = this.#code;
    code.get(local);
    code.constant(factor);
    code.scalar(scalar.mul);
    code.scalar(scalar.add);
  }

  #advance(local: number, by: number): void {
    this.#code.get(local);
    this.#code.constant(by);
    this.#code.scalar(scalar.add);
    this.#code.set(local);
  }
}
