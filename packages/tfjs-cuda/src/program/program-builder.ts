// Puts a program together: equal calls are made once, what depends on constants alone is computed once, chains of
// reshapes and transpositions collapse, and calls that no output needs are left out.

import type { ElementArray, ElementType, Engine, Handle, Kernel } from '../engine.js';
import type { Call, KernelAttributes, KernelName, Ref } from './kernels.js';
import { callKernel, Program, type Step } from './program.js';

interface Prepared {
  readonly call: Call;
  readonly kernel: Kernel;
  readonly origin: string;
}

export class ProgramBuilder {
  readonly #engine: Engine;
  readonly #inputs = new Map<string, number>();
  readonly #constants = new Map<number, Handle>();
  readonly #calls = new Map<number, Prepared>();
  readonly #known = new Map<string, Ref>();
  #count = 0;
  /** What the calls made from now on belong to, for errors. */
  origin = '';

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  input(name: string, shape: readonly number[], dtype: ElementType): Ref {
    const ref = this.#ref(shape, dtype);
    this.#inputs.set(name, ref.id);
    return ref;
  }

  /** `data` is not copied. */
  constant(data: ElementArray, shape: readonly number[], dtype: ElementType): Ref {
    // Large constants are not compared: they are seldom equal, and reading them takes time.
    const key = data.length > 64 ? undefined : `constant ${dtype} [${shape}] ${Array.from(data, exactText)}`;
    const known = key && this.#known.get(key);
    if (known) return known;
    const ref = this.#ref(shape, dtype);
    this.#constants.set(ref.id, this.#engine.upload(data, shape, dtype));
    if (key) this.#known.set(key, ref);
    return ref;
  }

  /** A float32 constant without dimensions. */
  scalar(value: number): Ref {
    return this.constant(Float32Array.of(value), [], 'float32');
  }

  call<K extends KernelName>(
    kernel: K,
    operands: readonly Ref[],
    attributes: KernelAttributes[K],
    shape: readonly number[],
    dtype: ElementType = operands[0].dtype,
  ): Ref {
    const ids = operands.map(({ id }) => id);
    const key = `${kernel} ${ids} ${JSON.stringify(attributes, (_, v) => (typeof v === 'number' ? exactText(v) : v))}`;
    const known = this.#known.get(key);
    if (known) return known;
    const result = this.#ref(shape, dtype);
    const call: Call = { kernel, attributes, operands, result };
    const prepared = { call, kernel: this.#engine.prepare(call), origin: this.origin };
    if (ids.every((id) => this.#constants.has(id))) {
      const handles = ids.map((id) => this.#constants.get(id)!);
      this.#constants.set(result.id, callKernel('compile', prepared, handles));
    } else {
      this.#calls.set(result.id, prepared);
    }
    this.#known.set(key, result);
    return result;
  }

  /** The same elements in the same order with another shape. */
  reshape(x: Ref, shape: readonly number[]): Ref {
    const source = this.beforeReshape(x);
    return String(source.shape) === String(shape) ? source : this.call('Reshape', [source], { shape }, shape);
  }

  /** The tensor that x was before it was reshaped; x itself if it was not. */
  beforeReshape(x: Ref): Ref {
    const call = this.#calls.get(x.id)?.call;
    return call?.kernel === 'Reshape' ? call.operands[0] : x;
  }

  /** Whether x is made anew in every run: no input, and no constant. */
  isComputed(x: Ref): boolean {
    return this.#calls.has(x.id);
  }

  /** Axis i of the result is axis perm[i] of x. */
  transpose(x: Ref, perm: readonly number[]): Ref {
    const shape = perm.map((axis) => x.shape[axis]);
    const merged = mergeAxes(x.shape, perm);
    if (merged.perm.length < 2) return this.reshape(x, shape);
    // Kernels are faster for fewer axes, and what is turned back can be found in the merged form.
    const source = this.reshape(x, merged.shape);
    const before = this.#calls.get(source.id)?.call;
    const back = before?.kernel === 'Transpose' ? (before as Call<'Transpose'>).attributes.perm : [];
    if (back.length === merged.perm.length && merged.perm.every((axis, i) => back[axis] === i)) {
      return this.reshape(before!.operands[0], shape);
    }
    const sizes = merged.perm.map((axis) => merged.shape[axis]);
    return this.reshape(this.call('Transpose', [source], { perm: merged.perm }, sizes), shape);
  }

  /** The program that computes the outputs. The builder is of no use afterwards. */
  build(outputs: ReadonlyMap<string, Ref>): Program {
    const needed = this.#neededFor(outputs);
    for (const [id, handle] of [...this.#constants]) {
      if (needed.has(id)) continue;
      this.#engine.release(handle);
      this.#constants.delete(id);
    }
    const calls = [...this.#calls].filter(([id]) => needed.has(id));
    const lastUsesOf = lastUses(calls, new Set([...outputs.values()].map(({ id }) => id)));
    const steps = calls.map(
      ([id, { call, kernel, origin }]): Step => ({
        kernel,
        operands: call.operands.map((operand) => operand.id),
        result: id,
        lastUses: lastUsesOf.get(id) ?? [],
        origin,
      }),
    );
    return new Program(this.#engine, { steps, inputs: this.#inputs, outputs, constants: this.#constants });
  }

  /** Gives the constants back when no program comes of it. */
  discard(): void {
    for (const handle of this.#constants.values()) this.#engine.release(handle);
    this.#constants.clear();
  }

  #neededFor(outputs: ReadonlyMap<string, Ref>): ReadonlySet<number> {
    const needed = new Set([...outputs.values()].map(({ id }) => id));
    for (const [id, { call }] of [...this.#calls].reverse()) {
      if (needed.has(id)) for (const operand of call.operands) needed.add(operand.id);
    }
    return needed;
  }

  #ref(shape: readonly number[], dtype: ElementType): Ref {
    return { id: this.#count++, shape, dtype };
  }
}

/** The same permutation on fewer axes: sizes of 1 left out, neighbours that stay neighbours taken as one. */
function mergeAxes(shape: readonly number[], perm: readonly number[]) {
  const moved = perm.filter((axis) => shape[axis] !== 1);
  const order = shape.flatMap((n, axis) => (n === 1 ? [] : [axis]));
  const runs: number[][] = [];
  for (const axis of moved) {
    const run = runs.at(-1);
    if (run && order.indexOf(axis) === order.indexOf(run.at(-1)!) + 1) run.push(axis);
    else runs.push([axis]);
  }
  const sorted = [...runs].sort((a, b) => a[0] - b[0]);
  return {
    shape: sorted.map((run) => run.reduce((size, axis) => size * shape[axis], 1)),
    perm: runs.map((run) => sorted.indexOf(run)),
  };
}

/** For each call, the results of calls that nothing after it reads. */
function lastUses(
  calls: readonly (readonly [number, Prepared])[],
  outputs: ReadonlySet<number>,
): ReadonlyMap<number, number[]> {
  const results = new Set(calls.map(([id]) => id));
  const lastUser = new Map<number, number>();
  for (const [id, { call }] of calls) {
    for (const operand of call.operands) {
      if (results.has(operand.id) && !outputs.has(operand.id)) lastUser.set(operand.id, id);
    }
  }
  const usesOf = new Map<number, number[]>();
  for (const [id, user] of lastUser) usesOf.set(user, [...(usesOf.get(user) ?? []), id]);
  return usesOf;
}

/** Tells −0 from 0, and writes NaN and infinities, which JSON lacks. */
function exactText(v: number): string {
  return Object.is(v, -0) ? '-0' : String(v);
}
