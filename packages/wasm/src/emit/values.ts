// Expressions as vector instructions. A value that occurs again within straight-line code is computed once.

import type { Index, Loop } from '../ir/index-form.js';
import type { Access, BinaryOperation, Conversion, Expression, Kind, UnaryOperation } from '../ir/nest.js';
import type { Addressing, Location, Places } from './addressing.js';
import { type Code, scalar, v128, vector } from './code.js';
import type { Constants } from './constants.js';
import { VectorMath } from './math.js';

/** Lanes that hold something: a number, or a local that says it at run time. */
export type ActiveLanes = number | { readonly local: number };

/** Where in the loops a value is wanted. */
export interface Point {
  /** Unrolled and tiled loops as indices over open ones. */
  readonly environment: ReadonlyMap<Loop, Index>;
  readonly vector: Loop | null;
  readonly active: ActiveLanes;
}

/** What depends on a reduction's result is computed where it is wanted. */
const unnumbered = -1;

export class Values {
  readonly code: Code;
  readonly #constants: Constants;
  readonly #addressing: Addressing;
  readonly #places: Places;
  readonly math: VectorMath;
  /** Locals of vector constants, by address. */
  readonly #preloaded = new Map<number, number>();
  /** Locals of values, by number. */
  #known = new Map<number, number>();
  readonly #numbers = new Map<string, number>();
  /** Numbers that expressions had last. */
  readonly #numbered = new Map<Expression, { point: Point; number: number }>();
  /** Locals of reductions that are done, for `reduced`. */
  #reduced = -1;

  constructor(code: Code, constants: Constants, addressing: Addressing, places: Places) {
    this.code = code;
    this.#constants = constants;
    this.#addressing = addressing;
    this.#places = places;
    this.math = new VectorMath(
      code,
      (value) => this.pushConstant(value, false),
      (value) => this.pushConstant(value, true),
    );
  }

  /** Runs `body`; what it computes is forgotten afterwards, what was known before is not. */
  scope(body: () => void): void {
    const outer = this.#known;
    this.#known = new Map(outer);
    body();
    this.#known = outer;
  }

  /** Pushes an expression's value. */
  push(expression: Expression, point: Point, reduced = -1): void {
    this.#reduced = reduced;
    this.#push(expression, point);
  }

  #push(expression: Expression, point: Point): void {
    if (expression.op === 'reduced') {
      this.code.get(this.#reduced);
      return;
    }
    if (expression.op === 'constant') {
      this.pushConstant(expression.value, expression.kind !== 'f32');
      return;
    }
    const number = this.#numberOf(expression, point);
    const known = this.#known.get(number);
    if (known !== undefined) {
      this.code.get(known);
      return;
    }
    this.#compute(expression, point);
    if (number === unnumbered) return;
    const local = this.code.local(v128);
    this.code.tee(local);
    this.#known.set(number, local);
  }

  pushConstant(value: number, integer: boolean): void {
    if (value === 0 && !Object.is(value, -0)) {
      this.code.zero();
      return;
    }
    this.#pushAt(integer ? this.#constants.integer(value) : this.#constants.float(value));
  }

  /** Loads constants before all loops: the first that are pushed. */
  preload(): void {
    const code = this.code;
    code.later(() => {
      this.#preloaded.forEach((local, address) => {
        code.constant(0);
        code.memory(vector.load, address);
        code.set(local);
      });
    });
  }

  /** Pushes four integers. */
  pushLanes(words: readonly number[]): void {
    this.#pushAt(this.#constants.lanes(words));
  }

  /** Pushes the constant at an address. */
  #pushAt(address: number): void {
    const code = this.code;
    let local = this.#preloaded.get(address);
    if (local === undefined && this.#preloaded.size < mostPreloaded) {
      local = code.local(v128);
      this.#preloaded.set(address, local);
    }
    if (local !== undefined) {
      code.get(local);
      return;
    }
    code.constant(0);
    code.memory(vector.load, address);
  }

  /** Address of a mask of the first lanes. */
  laneMask(active: number): number {
    return this.#constants.lanes([0, 1, 2, 3].map((lane) => (lane < active ? -1 : 0)));
  }

  /** A number that is the same for what has the same value. */
  #numberOf(expression: Expression, point: Point): number {
    const known = this.#numbered.get(expression);
    if (known?.point === point) return known.number;
    const number = this.#findNumber(expression, point);
    this.#numbered.set(expression, { point, number });
    return number;
  }

  #findNumber(expression: Expression, point: Point): number {
    if (expression.op === 'reduced') return unnumbered;
    const operands = expression.op === 'gather' ? [expression.at] : 'operands' in expression ? expression.operands : [];
    let text = this.#textOf(expression, point);
    for (let i = 0; i < operands.length; i++) {
      const number = this.#numberOf(operands[i], point);
      if (number === unnumbered) return unnumbered;
      text += ` ${number}`;
    }
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    this.#numbers.set(text, this.#numbers.size);
    return this.#numbers.size - 1;
  }

  /** What tells an expression from others with the same operands. */
  #textOf(expression: Expression, point: Point): string {
    if ('access' in expression) {
      const location = this.#addressing.locate(expression.access, point.environment, point.vector);
      const { pointer, offset, laneStride } = location;
      const lanes = typeof point.active === 'number' ? point.active : '?';
      return `${expression.op} ${pointer.number}+${offset}:${laneStride}:${lanes}`;
    }
    if (expression.op === 'index') return `(${expression.index.substitute(point.environment)})`;
    if (expression.op !== 'constant') return `${expression.op}.${expression.kind}`;
    return `${expression.kind}${Object.is(expression.value, -0) ? '-0' : expression.value}`;
  }

  #compute(expression: Expression, point: Point): void {
    const code = this.code;
    if (expression.op === 'read') this.load(expression.access, point);
    else if (expression.op === 'gather') this.#gather(expression, point);
    else if (expression.op === 'index') this.#indexLanes(expression.index, point);
    else if ('operands' in expression) {
      const { op, operands } = expression;
      const from = operands[0].kind;
      // a · b + c and c + a · b in one instruction; always, also where the product is known: a value that is computed in
      // two places has to be the same in both, to the last bit.
      const isProduct = (x: Expression) => x.op === 'mul' && x.kind === 'f32';
      const product = op === 'add' && expression.kind === 'f32' ? operands.findIndex(isProduct) : -1;
      if (product >= 0 && this.code.relaxed) {
        const { operands: factors } = operands[product] as Expression & { operands: readonly Expression[] };
        const other = code.local(v128);
        this.#push(operands[1 - product], point);
        code.set(other);
        this.#push(factors[0], point);
        this.#push(factors[1], point);
        code.multiplyAddTo(() => code.get(other));
        return;
      }
      if (op === 'where') {
        this.#push(operands[1], point);
        this.#push(operands[2], point);
        this.#push(operands[0], point);
        code.vector(vector.bitselect);
        return;
      }
      // Of a number and what may be NaN: one instruction, where any operands take eight.
      const limit = (op === 'maximum' || op === 'minimum') && from === 'f32' ? operands.findIndex(isNumber) : -1;
      if (limit >= 0) {
        this.#push(operands[1 - limit], point);
        this.#push(operands[limit], point);
        this.code.vector(op === 'maximum' ? vector.pmax : vector.pmin);
        return;
      }
      for (let i = 0; i < operands.length; i++) this.#push(operands[i], point);
      this.#operate(op, from);
    }
  }

  #operate(op: Operation, from: Kind): void {
    const emit = instructions[op][from];
    if (emit === undefined) throw new Error(`no instructions for ${op} of ${from}`);
    if (typeof emit === 'number') this.code.vector(emit);
    else emit(this);
  }

  /** Pushes what memory holds, as 32-bit lanes. Lanes that are not active may hold anything: all memory can be read. */
  load(access: Access, point: Point): void {
    const code = this.code;
    const location = this.#addressing.locate(access, point.environment, point.vector);
    const bytes = access.buffer.elementBytes;
    const padded = this.#isPadded(access);
    const { laneStride } = location;
    if (laneStride === 0) {
      const offset = this.#addressing.push(location);
      if (bytes === 4) code.memory(vector.load32Splat, offset);
      else {
        code.loadByte(offset);
        code.vector(vector.splatI32);
      }
    } else if (laneStride === 1) {
      const offset = this.#addressing.push(location);
      code.memory(bytes === 4 ? vector.load : vector.load32Zero, offset);
      if (bytes === 1) {
        code.vector(vector.extendLowU8);
        code.vector(vector.extendLowU16);
      }
    } else if (laneStride === 2 && bytes === 4) {
      for (const half of [0, 1]) {
        const offset = this.#addressing.push({ ...location, offset: location.offset + 16 * half });
        code.memory(vector.load, offset);
      }
      code.shuffle([0, 2, 4, 6]);
    } else this.#loadLanes(location, bytes, padded ? 4 : point.active);
    if (bytes === 1 && access.buffer.dtype === 'bool') this.#operate('toMask', 'i32');
  }

  /** Loads lane by lane, from addresses that `move` has moved; lanes that are not active are 0. */
  #loadLanes(location: Location, bytes: number, active: ActiveLanes, move?: (lane: number) => void): void {
    const code = this.code;
    const lanes = code.local(v128);
    code.zero();
    code.set(lanes);
    this.forLanes(active, (lane) => {
      const offset = this.#addressing.push(this.laneOf(location, lane, bytes));
      move?.(lane);
      code.get(lanes);
      if (bytes === 4) code.memoryLane(vector.load32Lane, offset, lane);
      else code.memoryLane(vector.load8Lane, offset, 4 * lane);
      code.set(lanes);
    });
    code.get(lanes);
  }

  laneOf({ pointer, offset, laneStride }: Location, lane: number, bytes: number): Location {
    return { pointer, offset: offset + lane * laneStride * bytes, laneStride: 0 };
  }

  /** Writes the vector in `value`; lanes that are not active stay as they are. */
  store(access: Access, value: number, point: Point): void {
    const code = this.code;
    const location = this.#addressing.locate(access, point.environment, point.vector);
    const bytes = access.buffer.elementBytes;
    const padded = this.#isPadded(access);
    if (bytes === 4 && location.laneStride === 1 && (padded || point.active === 4)) {
      const offset = this.#addressing.push(location);
      code.get(value);
      code.memory(vector.store, offset);
      return;
    }
    if (access.buffer.dtype === 'bool' && bytes === 1) {
      code.get(value);
      this.#operate('toInteger', 'mask');
      code.set(value);
    }
    this.forLanes(location.laneStride === 0 ? 1 : padded ? 4 : point.active, (lane) => {
      const offset = this.#addressing.push(this.laneOf(location, lane, bytes));
      code.get(value);
      code.memoryLane(bytes === 4 ? vector.store32Lane : vector.store8Lane, offset, bytes === 4 ? lane : 4 * lane);
    });
  }

  /** Emits `body` for each active lane. */
  forLanes(active: ActiveLanes, body: (lane: number) => void): void {
    const code = this.code;
    const count = typeof active === 'number' ? active : 4;
    for (let lane = 0; lane < count; lane++) {
      if (typeof active === 'number' || lane === 0) body(lane);
      else {
        code.get(active.local);
        code.constant(lane);
        code.scalar(scalar.gtS);
        code.if(() => body(lane));
      }
    }
  }

  /** Lanes past the end are there, though without meaning. */
  #isPadded({ buffer }: Access): boolean {
    return buffer.laneAxis !== null && this.#places(buffer).at !== 'argument';
  }

  #gather({ access, at, stride }: Expression & { op: 'gather' }, point: Point): void {
    const code = this.code;
    const { elementBytes: bytes, dtype } = access.buffer;
    const location = this.#addressing.locate(access, point.environment, point.vector);
    const picks = code.local(v128);
    this.#push(at, point);
    code.set(picks);
    this.#loadLanes(location, bytes, point.vector === null ? 1 : point.active, (lane) => {
      code.get(picks);
      code.extractLane(lane);
      code.constant(stride * bytes);
      code.scalar(scalar.mul);
      code.scalar(scalar.add);
    });
    if (bytes === 1 && dtype === 'bool') this.#operate('toMask', 'i32');
  }

  /** The value of an index in each lane. */
  #indexLanes(index: Index, { environment, vector: loop }: Point): void {
    const code = this.code;
    const substituted = index.substitute(environment);
    const step = loop ? substituted.coefficient(loop) : 0;
    const base = loop ? substituted.without(loop) : substituted;
    if (base.terms.length === 0) this.pushConstant(base.constant, true);
    else {
      this.#addressing.pushValue(base);
      code.vector(vector.splatI32);
    }
    if (step === 0) return;
    this.pushLanes([0, step, 2 * step, 3 * step]);
    code.vector(vector.addI32);
  }
}

function isNumber(expression: Expression): boolean {
  return expression.op === 'constant' && !Number.isNaN(expression.value);
}

/** More than there are registers for would only be moved. */
const mostPreloaded = 16;

type Operation = UnaryOperation | BinaryOperation | Conversion;

/** By what the lanes of operands are: one instruction, or several. */
const instructions: { readonly [O in Operation]: { readonly [K in Kind]?: number | ((values: Values) => void) } } = {
  add: { f32: vector.add, i32: vector.addI32 },
  sub: { f32: vector.sub, i32: vector.subI32 },
  mul: { f32: vector.mul, i32: vector.mulI32 },
  div: { f32: vector.div },
  maximum: { f32: vector.max, i32: vector.maxI32 },
  minimum: { f32: vector.min, i32: vector.minI32 },
  equal: { f32: vector.eq, i32: vector.eqI32 },
  less: { f32: vector.lt, i32: vector.ltI32 },
  neg: { f32: vector.neg, i32: vector.negI32 },
  sqrt: { f32: vector.sqrt },
  exp: { f32: ({ math }) => math.exp() },
  log: { f32: ({ math }) => math.log() },
  tanh: { f32: ({ math }) => math.tanh() },
  sigmoid: { f32: ({ math }) => math.sigmoid() },
  erf: { f32: ({ math }) => math.erf() },
  toFloat: { i32: vector.toFloat, mask: (values) => masked(values, 1, false) },
  toInteger: { f32: vector.toInteger, mask: (values) => masked(values, 1, true) },
  toByte: { i32: (values) => masked(values, 255, true) },
  toMask: {
    f32: ({ code }) => differsFromZero(code, vector.ne),
    i32: ({ code }) => differsFromZero(code, vector.neI32),
  },
};

function masked(values: Values, bits: number, integer: boolean): void {
  values.pushConstant(bits, integer);
  values.code.vector(vector.and);
}

function differsFromZero(code: Code, comparison: number): void {
  code.zero();
  code.vector(comparison);
}
