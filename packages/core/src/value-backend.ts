// What all backends do alike: hold values, check what they are given, and refuse whatever is asked after the end.

import type { Backend, Device, Executable, Report, Value } from './backend.js';
import { compileWithChecks } from './check-indices.js';
import { checkInputs, checkUpload } from './check-values.js';
import { BnError } from './errors.js';
import type { Graph } from './graph.js';
import type { Spec, TypedArray } from './spec.js';

/** A graph as a backend has compiled it. */
export interface Compiled<Content> {
  /**
   * Runs once, with results that `values.add` makes. What it reads of the inputs before it first waits is there; after that
   * the caller may have released them.
   *
   * @param batch what the symbolic batch dimension is in this run; 1 if there is none
   */
  run(inputs: ReadonlyMap<string, Content>, batch: number): Promise<Map<string, Value>> | Map<string, Value>;
  /** Called once at most. */
  report?(): Promise<Report>;
  /** Called once. */
  dispose?(): Promise<void> | void;
}

/** A backend but for what is its own. `Content` is what it keeps for a value: an array, a device tensor, an address. */
export abstract class ValueBackend<Content> implements Backend {
  abstract readonly name: string;
  abstract readonly device: Device;
  protected readonly values: ValueStore<Content> = new ValueStore<Content>((content) => this.free(content));
  readonly #executables = new Set<Executable>();
  #disposed = false;

  /** Compiles a graph whose gathers cannot leave their tensors. */
  protected abstract prepare(graph: Graph): Promise<Compiled<Content>> | Compiled<Content>;
  /** Copies data, which fits the spec, to the device. */
  protected abstract put(data: TypedArray, spec: Spec): Content;
  /** Copies a value to the host. */
  protected abstract take(content: Content, spec: Spec): TypedArray;
  /** Gives a value's memory back; not needed where garbage collection does. */
  protected free(_content: Content): void {}
  /** Frees what is left when values and executables are gone. */
  protected close(): Promise<void> | void {}

  get liveValues(): number {
    return this.values.size;
  }

  async compile(graph: Graph): Promise<Executable> {
    this.#requireUndisposed();
    return compileWithChecks(this, graph, async (safe) => this.executable(safe, await this.prepare(safe)));
  }

  /** @param specs what it takes */
  protected executable(specs: { readonly inputs: ReadonlyMap<string, Spec> }, compiled: Compiled<Content>): Executable {
    this.#requireUndisposed();
    let disposed = false;
    let report: Promise<Report> | null = null;
    const executable: Executable = {
      run: async (inputs) => {
        this.#requireUndisposed();
        if (disposed) throw new BnError('backend', 'run: the executable was disposed; compile the graph again');
        const batch = checkInputs(specs, inputs);
        const contents = new Map([...inputs].map(([name, value]) => [name, this.values.get(value, `input '${name}'`)]));
        return compiled.run(contents, batch);
      },
      ...(compiled.report && {
        report: () => {
          report ??= compiled.report!();
          return report;
        },
      }),
      dispose: async () => {
        if (disposed) return;
        disposed = true;
        this.#executables.delete(executable);
        await compiled.dispose?.();
      },
    };
    this.#executables.add(executable);
    return executable;
  }

  upload(data: TypedArray, spec: Spec): Value {
    this.#requireUndisposed();
    checkUpload(data, spec);
    return this.values.add(spec, this.put(data, spec));
  }

  async download(value: Value): Promise<TypedArray> {
    this.#requireUndisposed();
    return this.take(this.values.get(value, 'download'), value.spec);
  }

  release(value: Value): void {
    this.values.release(value);
  }

  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const executable of [...this.#executables]) await executable.dispose();
    this.values.clear();
    await this.close();
  }

  #requireUndisposed(): void {
    if (this.#disposed) throw new BnError('backend', `the ${this.name} backend was disposed; create a new one`);
  }
}

/** Values of one backend, and what it keeps for each (an array, a device tensor, an address). */
class ValueStore<Content> {
  readonly #contents = new Map<Value, Content>();
  readonly #free: (content: Content) => void;

  /** @param free gives a content's memory back; not needed where garbage collection does. */
  constructor(free: (content: Content) => void = () => {}) {
    this.#free = free;
  }

  /** Values that are not released yet. */
  get size(): number {
    return this.#contents.size;
  }

  add({ shape, dtype }: Spec, content: Content): Value {
    const value = { spec: { shape, dtype } };
    this.#contents.set(value, content);
    return value;
  }

  /** What is kept for a value; throws `argument` if it was released or belongs to another backend. */
  get(value: Value, what: string): Content {
    const content = this.#contents.get(value);
    if (content !== undefined) return content;
    throw new BnError('argument', `${what}: the value was released or belongs to another backend; upload it again`);
  }

  /** Forgets a value; twice is allowed. */
  release(value: Value): void {
    const content = this.#contents.get(value);
    if (content === undefined) return;
    this.#contents.delete(value);
    this.#free(content);
  }

  clear(): void {
    for (const value of [...this.#contents.keys()]) this.release(value);
  }
}
