// Holds a training's values on the backend and runs graphs over them: each graph is compiled once, each value is
// released when it is replaced.

import type { Backend, Executable, Steps, Value } from '../backend.js';
import { CutExecutable, type Division } from '../cut/cut-executable.js';
import { type Batched, type Cut, cutGraph } from '../cut/cut-graph.js';
import { BnError } from '../errors.js';
import type { Graph } from '../graph.js';
import type { PackedValue } from '../pack-state.js';
import { createGenerator, type Generator } from '../random.js';
import { formatShape, type HostTensor, joinArrays, type Spec, sizeOf, staticShape, type TypedArray } from '../spec.js';
import { averagePath } from './step-graph.js';

/** A graph and its executable, which may still be on its way. */
export interface Compiled extends Pick<Graph, 'inputs' | 'outputs'> {
  readonly executable: Promise<Executable | CutExecutable>;
}

/** What a run computes at a time: all of a batch, or a part of it. */
export interface Part {
  readonly examples: number;
  /** Inputs by name. */
  readonly values: ReadonlyMap<string, Value>;
}

/** Data for one run: input name, array, spec. Names that the graph does not have are left out. */
export type HostInput = readonly [name: string, data: TypedArray, spec: Spec];

export interface RunContext {
  /** Position in the streams of random numbers that the graph's random inputs get. */
  readonly random: readonly [seed: number, ...stream: number[]];
  /** Whether the graph is given the averages of values, where there are any. */
  readonly averaged?: boolean;
  /** Looks at outputs before the run counts as done; if it throws, they are released. */
  readonly check?: (outputs: ReadonlyMap<string, Value>, parts: () => AsyncIterable<Part>) => Promise<void>;
}

/** Bytes of activations that are kept from segment to segment of a batch in parts. What is more is computed anew. */
const keptMemory = 2 ** 28;

export class Runner {
  readonly backend: Backend;
  readonly #values = new Map<string, Value>();
  readonly #compiled = new Map<string, Compiled>();
  readonly #division: Division;

  constructor(backend: Backend, division: Division = {}) {
    this.backend = backend;
    this.#division = division;
  }

  /** Paths of all values, in the order of their creation. */
  get paths(): readonly string[] {
    return [...this.#values.keys()];
  }

  /** Spec of the value at `path`, if there is one. */
  specOf(path: string): Spec | undefined {
    return this.#values.get(path)?.spec;
  }

  /** Puts a value at `path`; one that was there is released. */
  set(path: string, value: Value): void {
    const old = this.#values.get(path);
    this.#values.set(path, value);
    if (old) this.backend.release(old);
  }

  /** Releases the value at `path`. */
  delete(path: string): void {
    this.backend.release(this.#values.get(path)!);
    this.#values.delete(path);
  }

  /** Disposes of all graphs that were compiled. */
  async clear(): Promise<void> {
    const all = [...this.#compiled.values()];
    this.#compiled.clear();
    for (const { executable } of all) await (await executable).dispose();
  }

  /** Whether batches of so many examples are computed in parts. One that a part can hold is computed by all processes alike. */
  divides(examples: number): boolean {
    const { most, party } = this.#division;
    return examples > (most ?? (party ? 1 : Number.POSITIVE_INFINITY));
  }

  /**
   * Compiles the graph, for one run or for several in one, the first time `key` is asked for.
   *
   * @param batched tells of the batch that the graph computes on, in parts if it is large
   * @param cut how it is computed in parts; by default the graph is cut where the batch is reduced
   */
  compile(
    key: string,
    build: () => Graph,
    {
      steps,
      batched,
      cut,
    }: {
      readonly steps?: Steps;
      readonly batched?: { examples: number; of: () => Batched };
      readonly cut?: (() => Cut) | undefined;
    } = {},
  ): Compiled {
    const known = this.#compiled.get(key);
    if (known) return known;
    const compiled =
      batched && this.divides(batched.examples)
        ? this.#compileParts(cut?.() ?? this.#cut(build(), batched.of()))
        : this.#compileWhole(build(), steps);
    compiled.executable.catch(() => this.#compiled.delete(key)); // whoever awaits it reports the error
    this.#compiled.set(key, compiled);
    return compiled;
  }

  #compileWhole(graph: Graph, steps: Steps | undefined): Compiled {
    const executable = steps ? this.backend.compileSteps!(graph, steps) : this.backend.compile(graph);
    return { inputs: graph.inputs, outputs: graph.outputs, executable };
  }

  #compileParts(cut: Cut): Compiled {
    const executable = CutExecutable.compile(this.backend, cut, this.#division);
    return { inputs: cut.inputs, outputs: cut.last.outputs, executable };
  }

  #cut(graph: Graph, batched: Batched): Cut {
    const { most } = this.#division;
    // Whoever computes how many of the parts: results are to have the same bits.
    const keptBytes = most === undefined ? Number.POSITIVE_INFINITY : keptMemory / batched.examples;
    return cutGraph(graph, batched, keptBytes);
  }

  /** Runs a graph on host data, the values and random numbers. The outputs are the caller's to release. */
  async run(compiled: Compiled, data: readonly HostInput[], context: RunContext): Promise<Map<string, Value>> {
    const { inputs } = compiled;
    const executable = await compiled.executable;
    const parted = executable instanceof CutExecutable ? executable : null;
    const uploaded = new Map<string, Value>();
    const given = new Set([...data.map(([name]) => name), ...(parted?.rows ?? [])]);
    for (const [name, array, spec] of [...data, ...randomInputs(compiled, context.random, given)]) {
      if (inputs.has(name) && !parted?.rows.has(name)) uploaded.set(name, this.backend.upload(array, spec));
    }
    try {
      const values = new Map<string, Value>();
      for (const name of inputs.keys()) {
        const value = uploaded.get(name) ?? this.#values.get(this.#held(name, context.averaged));
        if (value) values.set(name, value);
      }
      // Only parts are cut from the data here.
      const rowsOf = parted ? rowSource(inputs, data, context.random) : null;
      const outputs = await (parted ? parted.run({ values, rowsOf: rowsOf! }) : (executable as Executable).run(values));
      try {
        await context.check?.(outputs, () =>
          parted ? this.#partsOf(parted, { inputs, values, rowsOf: rowsOf! }) : whole(values),
        );
      } catch (error) {
        for (const value of outputs.values()) this.backend.release(value);
        throw error;
      }
      return outputs;
    } finally {
      for (const value of uploaded.values()) this.backend.release(value);
    }
  }

  /** The inputs of one part of a batch after another. */
  async *#partsOf(
    { shards, rows }: CutExecutable,
    { inputs, values, rowsOf }: { inputs: Graph['inputs']; values: ReadonlyMap<string, Value>; rowsOf: RowSource },
  ): AsyncGenerator<Part> {
    for (const { start, size } of shards) {
      const own = [...inputs].filter(([name]) => rows.has(name));
      const uploaded = own.map(([name, { shape, dtype }]) => {
        const spec = { shape: [size, ...shape.slice(1)], dtype };
        return [name, this.backend.upload(rowsOf(name, start, size), spec)] as const;
      });
      try {
        yield { examples: size, values: new Map([...values, ...uploaded]) };
      } finally {
        for (const [, value] of uploaded) this.backend.release(value);
      }
    }
  }

  /** Downloads an output, releases it and takes it out of the map. */
  async take(outputs: Map<string, Value>, name: string): Promise<TypedArray> {
    const value = outputs.get(name)!;
    outputs.delete(name);
    const data = await this.backend.download(value);
    this.backend.release(value);
    return data;
  }

  /** Values in one vector on the host, one after the other. */
  async pack(values: readonly PackedValue[]): Promise<TypedArray> {
    const parts: TypedArray[] = [];
    for (const { path } of values) parts.push(await this.backend.download(this.#values.get(path)!));
    return joinArrays(parts);
  }

  /** Puts the parts of a vector back. */
  unpack(values: readonly PackedValue[], packed: TypedArray): void {
    for (const { path, shape, start, end } of values) {
      this.set(path, this.backend.upload(packed.subarray(start, end), { shape, dtype: 'float32' }));
    }
  }

  /** The values at `paths` on the host, or their averages, where there are any. */
  async download(paths: readonly string[], averaged = false): Promise<Map<string, HostTensor>> {
    const tensors = new Map<string, HostTensor>();
    for (const path of paths) {
      const value = this.#values.get(this.#held(path, averaged))!;
      const data = await this.backend.download(value);
      tensors.set(path, { shape: staticShape(value.spec.shape), data: Float32Array.from(data) });
    }
    return tensors;
  }

  /** Replaces the values at these paths; throws `checkpoint` before changing any, if one does not fit. */
  load(tensors: ReadonlyMap<string, HostTensor>): void {
    for (const [path, { shape, data }] of tensors) {
      const spec = this.specOf(path);
      if (!spec) {
        throw new BnError(
          'checkpoint',
          `this model has no '${path}': the tensors belong to another model or optimizer`,
        );
      }
      if (formatShape(spec.shape) !== formatShape(shape) || data.length !== sizeOf(shape)) {
        const problem = `'${path}' is ${formatShape(shape)}, but this model expects ${formatShape(spec.shape)}`;
        throw new BnError('checkpoint', `${problem}: the tensors belong to another model`);
      }
    }
    for (const [path, { data }] of tensors) this.set(path, this.backend.upload(data, this.specOf(path)!));
  }

  #held(path: string, averaged = false): string {
    return averaged && this.#values.has(averagePath(path)) ? averagePath(path) : path;
  }

  async dispose(): Promise<void> {
    await this.clear();
    for (const value of this.#values.values()) this.backend.release(value);
    this.#values.clear();
  }
}

/** Uniform numbers for the graph's inputs that ask for them, but for those that are given. */
export function randomInputs(
  { inputs }: Pick<Graph, 'inputs'>,
  [seed, ...stream]: RunContext['random'],
  given: ReadonlySet<string> = new Set(),
): HostInput[] {
  return [...inputs].flatMap(([name, { shape, dtype }]) => {
    if (!name.startsWith('random.') || given.has(name)) return [];
    const random = createGenerator(seed, ...stream, Number(name.slice('random.'.length)));
    return [[name, Float32Array.from({ length: sizeOf(shape) }, () => random.uniform()), { shape, dtype }] as const];
  });
}

async function* whole(values: ReadonlyMap<string, Value>): AsyncGenerator<Part> {
  yield { examples: Number.POSITIVE_INFINITY, values };
}

type RowSource = (name: string, start: number, count: number) => TypedArray;

/** Rows of the data, or of random numbers, which are those that the whole batch has. */
function rowSource(
  inputs: Graph['inputs'],
  data: readonly HostInput[],
  [seed, ...stream]: RunContext['random'],
): RowSource {
  const arrays = new Map(data.map(([name, array, { shape }]) => [name, { array, size: sizeOf(shape.slice(1)) }]));
  /** Where a stream of numbers stands: going on is quicker than beginning anew. */
  const generators = new Map<string, { random: Generator; next: number }>();
  return (name, start, count) => {
    const known = arrays.get(name);
    if (known) return known.array.subarray(start * known.size, (start + count) * known.size);
    const size = sizeOf(inputs.get(name)!.shape.slice(1));
    let at = generators.get(name);
    if (!at || at.next > start * size) {
      at = { random: createGenerator(seed, ...stream, Number(name.slice('random.'.length))), next: 0 };
      generators.set(name, at);
    }
    const { random } = at;
    for (; at.next < start * size; at.next++) random.uniform();
    at.next += count * size;
    return Float32Array.from({ length: count * size }, () => random.uniform());
  };
}
