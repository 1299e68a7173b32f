// The backend proper: values are tensors of an engine, executables are programs for it.

import {
  type Compiled,
  type Device,
  type Graph,
  type Spec,
  staticShape,
  type TypedArray,
  ValueBackend,
} from '@bn/core';
import type { Engine, Handle } from './engine.js';
import { elementsOf, elementType, lower } from './lowering/lowering.js';
import type { Program } from './program/program.js';

/** Batch sizes that an executable with a symbolic batch keeps programs for. */
const programsKept = 8;

export class TensorflowBackend extends ValueBackend<Handle> {
  override readonly name = 'tfjs-cuda';
  override readonly device: Device;
  readonly engine: string;
  readonly #engine: Engine;

  constructor(engine: Engine, device: Device = engine.device) {
    super();
    this.device = device;
    this.engine = engine.name;
    this.#engine = engine;
  }

  protected override prepare(graph: Graph): Compiled<Handle> {
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
    return {
      run: (inputs, batch) => {
        const outputs = [...programFor(batch).run(inputs)].map(([name, { handle, shape }]) => {
          const { dtype } = graph.outputs.get(name)!;
          return [name, this.values.add({ shape, dtype }, handle)] as const;
        });
        return new Map(outputs);
      },
      dispose: () => {
        for (const program of programs.values()) program.dispose();
      },
    };
  }

  protected override put(data: TypedArray, { shape, dtype }: Spec): Handle {
    const type = elementType(dtype);
    return this.#engine.upload(elementsOf(data, type), staticShape(shape), type);
  }

  protected override take(handle: Handle, { dtype }: Spec): TypedArray {
    const elements = this.#engine.download(handle);
    return dtype === 'uint8' ? Uint8Array.from(elements) : elements;
  }

  protected override free(handle: Handle): void {
    this.#engine.release(handle);
  }

  protected override close(): void {
    this.#engine.dispose();
  }
}
