// Nests that are alike: the same loops and expressions on other memory, as deep networks repeat their layers. One of them
// is scheduled and emitted; the code of the others differs by addresses alone.

import type { Index, Loop, Term } from '../ir/index-form.js';
import {
  type Access,
  type Buffer,
  type Expression,
  elementsOf,
  isConstant,
  type Nest,
  type Statement,
} from '../ir/nest.js';
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

type FieldsOf<T> = T extends T ? keyof T : never;

/** `T`, if it has these fields and no other: a field that the description does not know is an error where it is passed. */
type With<T, Fields extends FieldsOf<T>> = [Exclude<FieldsOf<T>, Fields>] extends [never] ? T : never;

// Names and origins are not in the code; shapes and what a buffer is within are in indices and places.
type DescribedNest = With<Nest, 'outer' | 'inner' | 'statements' | 'name' | 'origins'>;
type DescribedStatement = With<Statement, 'target' | 'value' | 'reduction' | 'position' | 'finish' | 'accumulates'>;
type DescribedExpression = With<
  Expression,
  'op' | 'kind' | 'operands' | 'value' | 'index' | 'access' | 'stride' | 'at'
>;
type DescribedAccess = With<Access, 'buffer' | 'index' | 'guards'>;
type DescribedBuffer = With<
  Buffer,
  'dtype' | 'elementBytes' | 'laneAxis' | 'source' | 'shape' | 'isChannelsLast' | 'within' | 'name'
>;
type DescribedTerm = With<Term, 'loop' | 'coefficient'>;
type DescribedLoop = With<Loop, 'extent' | 'name' | 'kind' | 'lastLanes'>;

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

  constructor({ outer, inner, statements }: DescribedNest, places: Places) {
    this.#places = places;
    this.#number(outer.length);
    for (const loop of outer) this.#loop(loop);
    for (const loop of inner) this.#loop(loop);
    for (const statement of statements) this.#statement(statement);
  }

  equals({ words }: Description): boolean {
    return this.words.length === words.length && this.words.every((word, i) => Object.is(word, words[i]));
  }

  #statement({ target, value, reduction, accumulates, position, finish }: DescribedStatement): void {
    this.words.push(reduction, accumulates, position !== undefined, finish !== undefined);
    this.#access(target);
    this.#expression(value);
    if (position) this.#index(position);
    if (finish) this.#expression(finish);
  }

  #number(n: number): void {
    this.hash = (Math.imul(this.hash, 31) + n) | 0;
    this.words.push(n);
  }

  #expression(expression: DescribedExpression): void {
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

  #access({ buffer, index, guards }: DescribedAccess): void {
    this.#buffer(buffer);
    this.#index(index);
    this.#number(guards.length);
    for (const guard of guards) {
      this.#number(guard.size);
      this.#index(guard.index);
    }
  }

  #buffer(buffer: DescribedBuffer): void {
    const known = this.buffers.indexOf(buffer);
    this.#number(known);
    if (known >= 0) return;
    const { dtype, elementBytes, laneAxis } = buffer;
    this.words.push(this.#places(buffer).at, dtype, elementBytes, laneAxis === null);
    // Tiles depend on how much there is of what stays in memory.
    this.words.push(isConstant(buffer) ? elementsOf(buffer) : null);
    this.buffers.push(buffer);
  }

  #index({ constant, terms }: Index): void {
    this.#number(constant);
    this.#number(terms.length);
    for (const term of terms) this.#term(term);
  }

  #term({ loop, coefficient }: DescribedTerm): void {
    this.#number(coefficient);
    this.#loop(loop);
  }

  #loop(loop: DescribedLoop): void {
    const known = this.#loops.indexOf(loop);
    this.#number(known);
    if (known >= 0) return;
    this.#loops.push(loop);
    this.#number(loop.extent);
    this.words.push(loop.name, loop.kind, loop.lastLanes);
  }
}
