// The reference backend: plain loops over typed arrays.

import {
  type Backend,
  type BackendOptions,
  BnError,
  checkInputs,
  checkUpload,
  compileWithChecks,
  type Diagnosis,
  decomposeFused,
  type Executable,
  type Graph,
  type Spec,
  type StepSpecs,
  type Steps,
  staticShape,
  stepSpecs,
  type TypedArray,
  type Value,
  ValueStore,
} from '@bn/core';
import { arrayFor, evaluate, type Precision } from './evaluate.js';
import { type ElementsByName, evaluateSteps } from './evaluate-steps.js';
import type { Elements } from './kernel.js';

export interface ReferenceOptions extends BackendOptions {
  /** Bits of the numbers that stand for float32 (default 32). With 64, float32 values are held as Float64Array. */
  readonly precision?: Precision;
}

/**
 * The backend that others are compared with: slow, single-threaded (`threads` has no effect) and deterministic.
 *
 * @throws `backend` for a device other than the CPU.
 */
export async function createBackend({ device = 'auto', precision = 32 }: ReferenceOptions = {}): Promise<Backend> {
  if (device !== 'auto' && device !== 'cpu') {
    throw new BnError(
      'backend',
      `reference computes on the CPU only, not on ${device}; leave out the device or use another backend`,
    );
  }
  return new ReferenceBackend(precision);
}

/** What can compute here: always the CPU. */
export async function diagnose(): Promise<Diagnosis[]> {
  return [{ device: 'cpu', available: true, detail: 'plain JavaScript loops, one thread, float32 or float64' }];
}

class ReferenceBackend implements Backend {
  readonly name = 'reference';
  readonly device = { kind: 'cpu', description: 'cpu (1 thread)' } as const;
  readonly #precision: Precision;
  readonly #values = new ValueStore<Elements>();
  #disposed = false;

  constructor(precision: Precision) {
    this.#precision = precision;
  }

  get liveValues(): number {
    return this.#values.size;
  }

  async compile(graph: Graph): Promise<Executable> {
    return compileWithChecks(this, graph, async (safe) => {
      const primitives = decomposeFused(safe);
      return this.#executable(safe, (inputs, batch) => evaluate(primitives, inputs, batch, this.#precision));
    });
  }

  async compileSteps(graph: Graph, steps: Steps): Promise<Executable> {
    return compileWithChecks(this, graph, async (safe) => {
      const primitives = decomposeFused(safe);
      const run = (inputs: ElementsByName) => evaluate(primitives, inputs, 1, this.#precision);
      return this.#executable(stepSpecs(safe, steps), (inputs) => evaluateSteps(run, steps, inputs));
    });
  }

  #executable(specs: StepSpecs, run: (inputs: ElementsByName, batch: number) => ElementsByName): Executable {
    this.#requireUndisposed();
    let disposed = false;
    return {
      run: async (inputs) => {
        this.#requireUndisposed();
        if (disposed) throw new BnError('backend', 'run: the executable was disposed; compile the graph again');
        const batch = checkInputs(specs, inputs);
        const elements = new Map(
          [...inputs].map(([name, value]) => [name, this.#values.get(value, `input '${name}'`)]),
        );
        return new Map([...run(elements, batch)].map(([name, y]) => [name, this.#values.add(y, y)]));
      },
      dispose: async () => {
        disposed = true;
      },
    };
  }

  upload(data: TypedArray, spec: Spec): Value {
    this.#requireUndisposed();
    const shape = staticShape(spec.shape, 'upload');
    checkUpload(data, spec);
    const held = arrayFor(spec.dtype, data.length, this.#precision);
    held.set(data);
    return this.#values.add(spec, { data: held, shape, dtype: spec.dtype });
  }

  async download(value: Value): Promise<TypedArray> {
    this.#requireUndisposed();
    return this.#values.get(value, 'download').data.slice();
  }

  release(value: Value): void {
    this.#values.release(value);
  }

  async dispose(): Promise<void> {
    this.#values.clear();
    this.#disposed = true;
  }

  #requireUndisposed(): void {
    if (this.#disposed) throw new BnError('backend', 'the reference backend was disposed; create a new one');
  }
}
