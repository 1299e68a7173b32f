// Runs planned steps in JavaScript, one number after the other, at the places that were planned for them: tells whether a
// plan is right before any instruction is emitted. Throws where something is read that is not there (yet, or any more),
// where two tasks that may run at the same time meet at one place, and where an index leaves its buffer.

import { sizeOf, type TypedArray } from '@bn/core';
import { numbersOf } from '../src/ir/constant.js';
import type { Index, Loop } from '../src/ir/index-form.js';
import {
  type Access,
  type Buffer,
  type Expression,
  elementsOf,
  type Guard,
  groupElements,
  guardsOf,
  type Nest,
  type Statement,
} from '../src/ir/nest.js';
import { type Passes, type Plan, passesOf } from '../src/pipeline.js';
import type { MemoryPlan } from '../src/plan/memory-plan.js';
import { scheduleNest } from '../src/plan/schedule-nest.js';
import type { Step } from '../src/plan/steps.js';
import { groupsPerChunk } from '../src/reshape/partial-sums.js';
import { Memory, type Task } from './interpreted-memory.js';

export function interpret(
  { steps, lowered, bound }: Plan,
  plan: MemoryPlan,
  inputs: ReadonlyMap<string, TypedArray>,
  passes: Passes,
): Map<string, Float64Array> {
  const given = lowered.inputs.map((name) => new Memory(0, inputs.get(name)));
  const made = lowered.outputs.map((name) => new Memory(sizeOf(bound.outputs.get(name)!.shape)));
  const interpreter = new Interpreter([...given, ...made], plan, passes);
  steps.forEach((step, i) => {
    interpreter.run(step, i);
  });
  return new Map(lowered.outputs.map((name, i) => [name, made[i].values]));
}

/** Where a buffer is, and the object that stands for it wherever it is named. */
interface Home {
  readonly memory: Memory;
  readonly start: number;
  readonly owner: Buffer;
  /** Whether there is room for the present group only. */
  readonly ofThread: boolean;
}

/** The present iteration of a loop. */
interface Counter {
  now: number;
}

class Interpreter {
  readonly #arguments: readonly Memory[];
  readonly #plan: MemoryPlan;
  readonly #passes: Passes;
  readonly #fixed: Memory;
  readonly #own: Memory;
  readonly #guards = new Map<Statement, readonly Guard[]>();
  readonly #homes = new Map<Buffer | number, Home>();
  readonly #counters = new Map<Loop, Counter>();
  readonly #terms = new Map<Index, [counter: Counter, coefficient: number][]>();
  #task: Task = { step: -1 };
  /** The first group of the present chunk. */
  readonly #first: Counter = { now: 0 };

  constructor(memories: readonly Memory[], plan: MemoryPlan, passes: Passes) {
    this.#arguments = memories;
    this.#plan = plan;
    this.#passes = passes;
    this.#fixed = new Memory(plan.fixedBytes / 4);
    this.#own = new Memory(plan.threadBytes / 4);
  }

  run({ domain, nests }: Step, step: number): void {
    this.#task = { step };
    if (domain === 'groups') this.#groups(nests, step);
    else {
      for (const nest of nests) {
        // Ranges of this loop run at the same time.
        const first =
          domain === 'ranges' ? scheduleNest(nest, domain, passesOf('tiles', this.#passes)[0]).outer[0].loop : null;
        const begin = () => {
          this.#task = { step };
        };
        const inside = nest.outer.filter((loop) => loop !== first);
        this.#loop(first ? [first] : [], () => {
          if (first) begin();
          this.#loop(inside, () => this.#body(nest));
        });
      }
    }
  }

  #groups(nests: readonly Nest[], step: number): void {
    const loops = nests.map(({ outer }) => outer.find(({ kind }) => kind === 'group')!);
    const { extent } = loops[0];
    const size = groupsPerChunk(extent);
    // The last chunk first: none may need another.
    for (let first = Math.floor((extent - 1) / size) * size; first >= 0; first -= size) {
      this.#task = { step };
      this.#first.now = first;
      for (let group = first; group < Math.min(first + size, extent); group++) {
        this.#own.clear();
        nests.forEach((nest, i) => {
          this.#counterOf(loops[i]).now = group;
          this.#loop(
            nest.outer.filter((loop) => loop !== loops[i]),
            () => this.#body(nest),
          );
        });
      }
    }
  }

  #loop([loop, ...inside]: readonly Loop[], body: () => void): void {
    if (!loop) body();
    else {
      const counter = this.#counterOf(loop);
      for (counter.now = 0; counter.now < loop.extent; counter.now++) {
        if (inside.length === 0) body();
        else this.#loop(inside, body);
      }
    }
  }

  /** All statements at one place of the outer loops. */
  #body(nest: Nest): void {
    for (const statement of nest.statements) {
      const { target, reduction, accumulates } = statement;
      const isLane = nest.outer.some(({ kind }) => kind === 'lane');
      const isActive = !isLane || this.#isActive(nest);
      if (reduction) {
        // Lanes past the end add nothing to a chunk's part.
        if (!isActive && !accumulates) continue;
        const value = isActive ? this.#reduce(nest, statement) : 0;
        this.#write(target, accumulates && this.#isLater(nest, statement) ? value + this.#read(target) : value);
      } else if (isActive && this.#holds(statement)) {
        const value = this.#value(statement.value);
        this.#write(target, accumulates ? value + this.#read(target) : value);
      }
    }
  }

  #reduce(nest: Nest, statement: Statement): number {
    const { reduction, value, position, finish } = statement;
    const isInteger = value.kind === 'i32';
    let result = reduction === 'sum' ? 0 : isInteger ? -(2 ** 31) : Number.NEGATIVE_INFINITY;
    let best = -1;
    const isLane = nest.inner.some(({ kind }) => kind === 'lane');
    this.#loop(nest.inner, () => {
      if ((isLane && !this.#isActive(nest)) || !this.#holds(statement)) return;
      const x = this.#value(value);
      if (reduction === 'sum') result = isInteger ? (result + x) | 0 : result + x;
      else if (reduction === 'max') result = Math.max(result, x);
      else if (best < 0 || x > result || (Number.isNaN(x) && !Number.isNaN(result))) {
        [result, best] = [x, this.#index(position!)];
      }
    });
    if (reduction === 'argmax') return best;
    return finish ? this.#value(finish, result) : result;
  }

  /** Whether groups or blocks before have left something in a target that is added to. */
  #isLater({ outer }: Nest, { target }: Statement): boolean {
    const group = outer.find(({ kind }) => kind === 'group');
    if (group) return this.#counterOf(group).now > this.#first.now;
    const block = outer.find((loop) => target.index.coefficient(loop) === 0);
    return !block || this.#counterOf(block).now > 0;
  }

  /** Whether the present lane of the present group holds something. */
  #isActive({ outer, inner }: Nest): boolean {
    const loops = [...outer, ...inner];
    const group = loops.find(({ kind }) => kind === 'group');
    const lane = loops.find(({ kind }) => kind === 'lane')!;
    return !group || this.#counterOf(group).now < group.extent - 1 || this.#counterOf(lane).now < group.lastLanes!;
  }

  #index(index: Index): number {
    let terms = this.#terms.get(index);
    if (!terms) {
      terms = index.terms.map(({ loop, coefficient }) => {
        return [loop.kind === 'chunk' ? this.#first : this.#counterOf(loop), coefficient];
      });
      this.#terms.set(index, terms);
    }
    let sum = index.constant;
    for (const [counter, c] of terms) sum += c * counter.now;
    return sum;
  }

  #counterOf(loop: Loop): Counter {
    const counter = this.#counters.get(loop) ?? { now: 0 };
    this.#counters.set(loop, counter);
    return counter;
  }

  /** Whether the statement has anything to do at this place. */
  #holds(statement: Statement): boolean {
    let guards = this.#guards.get(statement);
    if (!guards) {
      guards = guardsOf(statement);
      this.#guards.set(statement, guards);
    }
    return guards.every(({ index, size }) => {
      const at = this.#index(index);
      return at >= 0 && at < size;
    });
  }

  #value(expression: Expression, reduced = Number.NaN): number {
    switch (expression.op) {
      case 'read':
        return this.#read(expression.access);
      case 'gather':
        return this.#read(expression.access, expression.stride * this.#value(expression.at, reduced));
      case 'constant':
        return expression.value;
      case 'index':
        return this.#index(expression.index);
      case 'reduced':
        return reduced;
      default: {
        const { op, kind, operands } = expression;
        const [a, b, c] = operands.map((operand) => this.#value(operand, reduced));
        const result = operations[op](a, b, c);
        return kind === 'i32' ? (op === 'mul' ? Math.imul(a, b) : result | 0) : result;
      }
    }
  }

  #read(access: Access, further = 0): number {
    const { memory, at, owner } = this.#locate(access, further);
    return memory.read(at, owner, this.#task);
  }

  #write(access: Access, value: number): void {
    const { memory, at, owner } = this.#locate(access, 0);
    memory.write(at, owner, this.#task, value);
  }

  #locate({ buffer, index }: Access, further: number): { memory: Memory; at: number; owner: Buffer } {
    const element = this.#index(index) + further;
    if (element < 0 || element >= elementsOf(buffer)) throw new Error(`${buffer.name} has no element ${element}`);
    const { memory, start, owner, ofThread } = this.#homeOf(buffer);
    return { memory, owner, at: start + (ofThread ? element % groupElements(buffer) : element) };
  }

  #homeOf(buffer: Buffer): Home {
    // Every mention of an argument makes a buffer of its own.
    const key = buffer.source && 'argument' in buffer.source ? buffer.source.argument : buffer;
    const home = this.#homes.get(key) ?? this.#findHome(buffer);
    this.#homes.set(key, home);
    return home;
  }

  #findHome(buffer: Buffer): Home {
    const { source } = buffer;
    const { fixed, perThread } = this.#plan;
    const alone = (memory: Memory): Home => ({ memory, start: 0, owner: buffer, ofThread: false });
    if (source) {
      return alone('argument' in source ? this.#arguments[source.argument] : new Memory(0, numbersOf(source.constant)));
    }
    const ofThread = perThread.has(buffer);
    const start = (ofThread ? perThread : fixed).get(buffer)! / 4;
    return { memory: ofThread ? this.#own : this.#fixed, start, owner: buffer, ofThread };
  }
}

type Operation = Extract<Expression, { readonly operands: unknown }>['op'];

const operations: { readonly [O in Operation]: (a: number, b: number, c: number) => number } = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  maximum: (a, b) => Math.max(a, b),
  minimum: (a, b) => Math.min(a, b),
  equal: (a, b) => Number(a === b),
  less: (a, b) => Number(a < b),
  where: (condition, a, b) => (condition === 0 ? b : a),
  neg: (a) => -a,
  exp: Math.exp,
  log: Math.log,
  sqrt: Math.sqrt,
  tanh: Math.tanh,
  sigmoid: (a) => 1 / (1 + Math.exp(-a)),
  // By Simpson's rule: 2/√π ∫ exp(−t²).
  erf: (a) => {
    const [end, steps] = [Math.max(-6, Math.min(6, a)), 256];
    let sum = 0;
    for (let i = 0; i <= steps; i++) {
      sum += Math.exp(-(((end * i) / steps) ** 2)) * (i === 0 || i === steps ? 1 : i % 2 === 1 ? 4 : 2);
    }
    return ((2 / Math.sqrt(Math.PI)) * end * sum) / steps / 3;
  },
  toFloat: (a) => a,
  toInteger: (a) => Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, a)),
  toByte: (a) => a & 255,
  toMask: (a) => Number(a !== 0),
};
