// Reductions in emitted code: neutral elements, steps, and what is stored at the end.

import type { Statement } from '../ir/nest.js';
import { type Code, v128, vector } from './code.js';
import type { Point, Values } from './values.js';

/** The locals a reduction of one statement at one point is carried in. */
export interface Accumulator {
  readonly statement: Statement;
  readonly point: Point;
  readonly result: number;
  /** Position of the largest value, for argmax. */
  readonly position: number;
}

export class Reductions {
  readonly #code: Code;
  readonly #values: Values;
  /** Whether the loop in lanes is one of those reduced over. */
  readonly #lanes: boolean;
  /** All ones unless a target that is added to holds nothing yet; less than 0 if it always does. */
  #later = -1;

  constructor(code: Code, values: Values, lanes: boolean) {
    this.#code = code;
    this.#values = values;
    this.#lanes = lanes;
  }

  /** Starts a reduction at a point of the outer loops. */
  start(statement: Statement, point: Point): Accumulator {
    const code = this.#code;
    const result = code.local(v128);
    const position = code.local(v128);
    this.#pushNeutral(statement);
    code.set(result);
    if (statement.reduction === 'argmax') {
      this.#values.pushConstant(-1, true);
      code.set(position);
    }
    return { statement, point, result, position };
  }

  #pushNeutral({ reduction, value: { kind } }: Statement): void {
    if (reduction === 'sum') this.#code.zero();
    else this.#values.pushConstant(kind === 'i32' ? -(2 ** 31) : -Infinity, kind === 'i32');
  }

  /** One step, at a point of all loops. */
  step({ statement, result, position }: Accumulator, at: Point): void {
    const code = this.#code;
    const values = this.#values;
    const { reduction, value } = statement;
    const partial = this.#lanes && at.active !== 4;
    if (reduction === 'argmax') this.#reduceArgmax(statement, at, result, position);
    else if (reduction === 'sum' && value.op === 'mul' && value.kind === 'f32' && !partial) {
      for (const factor of value.operands) values.push(factor, at);
      code.multiplyAddTo(() => code.get(result));
      code.set(result);
    } else {
      values.push(value, at);
      if (partial) {
        this.#pushNeutral(statement);
        code.constant(0);
        code.memory(vector.load, this.#values.laneMask(at.active as number));
        code.vector(vector.bitselect);
      }
      code.get(result);
      code.vector(combining[reduction as 'sum' | 'max'][value.kind as 'f32' | 'i32']);
      code.set(result);
    }
  }

  /** A later value takes the place if it is larger, if it is NaN and the earlier is not, or if there is none yet. */
  #reduceArgmax({ value, position: index }: Statement, at: Point, best: number, position: number): void {
    const code = this.#code;
    const [candidate, wins] = [code.local(v128), code.local(v128)];
    const isFloat = value.kind === 'f32';
    this.#values.push(value, at);
    code.tee(candidate);
    code.get(best);
    code.vector(isFloat ? vector.gt : vector.gtI32);
    code.get(position);
    code.zero();
    code.vector(vector.ltI32);
    code.vector(vector.or);
    if (isFloat) {
      code.get(candidate);
      code.get(candidate);
      code.vector(vector.ne);
      code.get(best);
      code.get(best);
      code.vector(vector.eq);
      code.vector(vector.and);
      code.vector(vector.or);
    }
    code.set(wins);
    this.#values.push({ op: 'index', kind: 'i32', index: index! }, at);
    this.#select(position, wins);
    code.get(candidate);
    this.#select(best, wins);
  }

  /** local := the value on the stack where `mask`, else local. */
  #select(local: number, mask: number): void {
    this.#code.get(local);
    this.#code.get(mask);
    this.#code.vector(vector.bitselect);
    this.#code.set(local);
  }

  /** Stores what a reduction has come to. */
  finish(accumulator: Accumulator): void {
    const { statement, point, result } = accumulator;
    if (this.#lanes) this.#combineLanes(statement, result);
    this.#store(accumulator, point);
  }

  /** The same for four sums over lanes: a result in each lane at `point`. */
  finishFour(four: readonly Accumulator[], point: Point): void {
    const [a, b, c, d] = four.map(({ result }) => result);
    this.#addHalves(a, b, [0, 1, 4, 5], [2, 3, 6, 7]);
    this.#addHalves(c, d, [0, 1, 4, 5], [2, 3, 6, 7]);
    this.#addHalves(a, c, [0, 2, 4, 6], [1, 3, 5, 7]);
    this.#store(four[0], point);
  }

  /** a := these lanes of a and b + those. */
  #addHalves(a: number, b: number, these: readonly number[], those: readonly number[]): void {
    const code = this.#code;
    for (const lanes of [these, those]) {
      code.get(a);
      code.get(b);
      code.shuffle(lanes);
    }
    code.vector(vector.add);
    code.set(a);
  }

  #store({ statement, result, position }: Accumulator, point: Point): void {
    const code = this.#code;
    const value = code.local(v128);
    if (statement.finish) this.#values.push(statement.finish, point, result);
    else code.get(statement.reduction === 'argmax' ? position : result);
    code.set(value);
    if (statement.accumulates) this.#addTo(statement, value, point);
    else this.#values.store(statement.target, value, point);
  }

  /** Says for what follows whether targets that are added to hold something: `push` pushes 1 or 0. */
  tellFirst(push: () => void): void {
    const code = this.#code;
    push();
    code.vector(vector.splatI32);
    code.vector(vector.negI32);
    this.#later = code.local(v128);
    code.set(this.#later);
  }

  /** Adds to what groups or blocks before have left in the target. */
  #addTo({ target }: Statement, value: number, { active, ...point }: Point): void {
    const code = this.#code;
    const whole: Point = { ...point, active: 4 };
    code.get(value);
    // Lanes of a result are apart, and those that hold nothing may hold anything.
    if (typeof active !== 'number') {
      this.#values.pushLanes([0, 1, 2, 3]);
      code.get(active.local);
      code.vector(vector.splatI32);
      code.vector(vector.ltI32);
      code.vector(vector.and);
    }
    this.#values.load(target, whole);
    if (this.#later >= 0) {
      code.get(this.#later);
      code.vector(vector.and);
    }
    code.vector(vector.add);
    code.set(value);
    this.#values.store(target, value, whole);
  }

  /** All lanes become the reduction over the four, always in the same order. */
  #combineLanes({ reduction, value }: Statement, result: number): void {
    const code = this.#code;
    for (const order of [
      [2, 3, 0, 1],
      [1, 0, 3, 2],
    ]) {
      code.get(result);
      code.get(result);
      code.get(result);
      code.shuffle(order);
      code.vector(combining[reduction as 'sum' | 'max'][value.kind as 'f32' | 'i32']);
      code.set(result);
    }
  }
}

const combining = {
  sum: { f32: vector.add, i32: vector.addI32 },
  max: { f32: vector.max, i32: vector.maxI32 },
} as const;
