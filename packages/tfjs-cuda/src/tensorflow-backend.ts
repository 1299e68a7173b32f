// The backend proper: values are tensors of an engine, executables are programs for it.

import {
  type Backend,
  BnError,
  checkInputs,
  checkUpload,
  compileWithChecks,
  type Device,
  type Executable,
  type Graph,
  type Spec,
  staticShape,
  type TypedArray,
  type Value,
  ValueStore,
} from '@bn/core';
import type { Engine, Handle } from './engine.js';
import { elementsOf, elementType, lower } from './lowering/lowering.js';
import type { Program } from './program/program.js';

/** Batch sizes that an executable with a symbolic batch keeps programs for. */
const programsKept = 8;

export class TensorflowBackend implements Backend {
  readonly name = 'tfjs-cuda';
  readonly device: Device;
  readonly engine: string;
  readonly #engine: Engine;
  readonly #values: ValueStore<Handle>;
  #disposed = false;

  constructor(engine: Engine, device: Device = engine.device) {
    this.device = device;
    this.engine = engine.name;
    this.#engine = engine;
    this.#values = new ValueStore((handle) => engine.release(handle));
  }

  get liveValues(): number {
    return this.#values.size;
  }

  async compile(graph: Graph): Promise<Executable> {
    this.#requireUndisposed();
    return compileWithChecks(this, graph, (safe) => this.#compile(safe));
  }

  async #compile(graph: Graph): Promise<Executable> {
    const symbolic = [...graph.inputs.values()].some(({ shape }) => shape.includes(null));
    const programs = new Map<number, Program>();
    const programFor = (batch: number): Program => {
      const known = programs.get(batch);
      const program = known ?? lower(graph, this.#engine, batch);
      // The last used is the last in the map.
      programs.delete(batch);
      programs.set(batch, program);
      if (programs.size > programsKept) {
        const [oldest, unused] = [...programs][0];
        programs.delete(oldest);
        unused.dispose();
      }
      return program;
    };
    // What cannot be computed is said now, whatever the batch will be.
    programFor(symbolic ? 2 : 1);
    let disposed = false;
    return {
      run: async (inputs) => {
        this.#requireUndisposed();
        if (disposed) throw new BnError('backend', 'run: the executable was disposed; compile the graph again');
        const batch = checkInputs(graph, inputs);
        return this.#run(graph, programFor(symbolic ? batch : 1), inputs);
      },
      dispose: async () => {
        if (!disposed && !this.#disposed) for (const program of programs.values()) program.dispose();
        disposed = true;
      },
    };
  }

  upload(data: TypedArray, spec: Spec): Value {
    this.#requireUndisposed();
    const shape = staticShape(spec.shape, 'upload');
    checkUpload(data, spec);
    const type = elementType(spec.dtype);
    return this.#values.add(spec, this.#engine.upload(elementsOf(data, type), shape, type));
  }

  async download(value: Value): Promise<TypedArray> {
    this.#requireUndisposed();
    const elements = this.#engine.download(this.#values.get(value, 'download'));
    return value.spec.dtype === 'uint8' ? Uint8Array.from(elements) : elements;
  }

  release(value: Value): void {
    this.#values.release(value);
  }

  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#values.clear();
    this.#disposed = true;
    this.#engine.dispose();
  }

  #run(graph: Graph, program: Program, inputs: ReadonlyMap<string, Value>): Map<string, Value> {
    const handles = new Map<string, Handle>();
    for (const [name, value] of inputs) handles.set(name, this.#values.get(value, `input '${name}'`));
    const outputs = new Map<string, Value>();
    for (const [name, { handle, shape }] of program.run(handles)) {
      outputs.set(name, this.#values.add({ shape, dtype: graph.outputs.get(name)!.dtype }, handle));
    }
    return outputs;
  }

  #requireUndisposed(): void {
    if (this.#disposed) throw new BnError('backend', 'the tfjs-cuda backend was disposed; create a new one');
  }
}
