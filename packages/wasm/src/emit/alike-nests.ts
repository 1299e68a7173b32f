// Nests that are alike: the same loops and expressions on other memory, as deep networks repeat their layers. One of them
// is scheduled and emitted; the code of the others differs by addresses alone.

import type { Index, Loop } from '../ir/index-form.js';
import type { Access, Buffer, Expression, Nest } from '../ir/nest.js';
import type { Schedule } from '../plan/schedule.js';
import type { Places } from './addressing.js';

/** The first of some nests that are alike. */
interface Model {
  readonly description: Description;
  readonly schedule: Schedule;
  /** What else the schedule depends on. */
  readonly how: string;
  /** Its code with buffers in these places; made when it is first asked for. */
  encode: ((places: Places) => Uint8Array) | null;
}

export class AlikeNests {
  readonly #places: Places;
  /** By hash of the description. */
  readonly #models = new Map<number, Model[]>();
  readonly #known = new Map<Nest, { readonly model: Model; readonly buffers: readonly Buffer[] }>();

  constructor(places: Places) {
    this.#places = places;
  }

  /**
   * The schedule of a nest, whose loops may be those of another.
   *
   * @param how what the schedule depends on besides the nest
   */
  schedule(nest: Nest, how: string, schedule: () => Schedule): Schedule {
    const description = new Description(nest, this.#places);
    const models = this.#models.get(description.hash) ?? [];
    let model = models.find((other) => other.how === how && description.equals(other.description));
    if (!model) {
      model = { description, schedule: schedule(), how, encode: null };
      this.#models.set(description.hash, [...models, model]);
    }
    this.#known.set(nest, { model, buffers: description.buffers });
    return { ...model.schedule, nest };
  }

  /** The code of a nest that has a schedule. */
  encode(nest: Nest, emit: (schedule: Schedule) => (places: Places) => Uint8Array): Uint8Array {
    const { model, buffers } = this.#known.get(nest)!;
    model.encode ??= emit(model.schedule);
    return model.encode((buffer) => this.#places(buffers[model.description.buffers.indexOf(buffer)]));
  }
}

/** What a nest is, word by word, with numbers for its loops, buffers and shared expressions. */
class Description {
  readonly words: (number | string | boolean | null | undefined)[] = [];
  /** Equal for nests that are alike, and for few others. */
  hash = 0;
  /** By number. */
  readonly buffers: Buffer[] = [];
  readonly #places: Places;
  readonly #loops: Loop[] = [];
  readonly #expressions = new Map<Expression, number>();

  constructor({ outer, inner, statements }: Nest, places: Places) {
    this.#places = places;
    this.#number(outer.length);
    for (const loop of outer) this.#loop(loop);
    for (const loop of inner) this.#loop(loop);
    for (const { target, value, reduction, accumulates, position, finish } of statements) {
      this.words.push(reduction, accumulates);
      this.#access(target);
      this.#expression(value);
      if (position) this.#index(position);
      if (finish) this.#expression(finish);
    }
  }

  equals({ words }: Description): boolean {
    return this.words.length === words.length && this.words.every((word, i) => Object.is(word, words[i]));
  }

  #number(n: number): void {
    this.hash = (Math.imul(this.hash, 31) + n) | 0;
    this.words.push(n);
  }

  #expression(expression: Expression): void {
    const known = this.#expressions.get(expression);
    if (known !== undefined) {
      this.#number(known);
      return;
    }
    this.words.push(expression.op, expression.kind);
    if ('operands' in expression) for (const operand of expression.operands) this.#expression(operand);
    else if (expression.op === 'constant') this.#number(expression.value);
    else if (expression.op === 'index') this.#index(expression.index);
    else if (expression.op !== 'reduced') this.#access(expression.access);
    if (expression.op === 'gather') {
      this.#number(expression.stride);
      this.#expression(expression.at);
    }
    this.#expressions.set(expression, this.#expressions.size);
  }

  #access({ buffer, index, guards }: Access): void {
    const known = this.buffers.indexOf(buffer);
    this.#number(known);
    if (known < 0) {
      const { dtype, elementBytes, laneAxis } = buffer;
      this.words.push(this.#places(buffer).at, dtype, elementBytes, laneAxis === null);
      this.buffers.push(buffer);
    }
    this.#index(index);
    this.#number(guards.length);
    for (const guard of guards) {
      this.#number(guard.size);
      this.#index(guard.index);
    }
  }

  #index({ constant, terms }: Index): void {
    this.#number(constant);
    this.#number(terms.length);
    for (const { loop, coefficient } of terms) {
      this.#number(coefficient);
      this.#loop(loop);
    }
  }

  #loop(loop: Loop): void {
    const known = this.#loops.indexOf(loop);
    this.#number(known);
    if (known >= 0) return;
    this.#loops.push(loop);
    this.#number(loop.extent);
    this.words.push(loop.name, loop.kind, loop.lastLanes);
  }
}
