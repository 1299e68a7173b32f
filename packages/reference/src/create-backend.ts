// The reference backend: plain loops over typed arrays.

import {
  type Backend,
  type BackendOptions,
  BnError,
  type Compiled,
  compileWithChecks,
  type Diagnosis,
  decomposeFused,
  type Executable,
  type Graph,
  type Spec,
  type Steps,
  staticShape,
  stepSpecs,
  type TypedArray,
  ValueBackend,
} from '@bn/core';
import { arrayFor, evaluate, type Precision } from './evaluate.js';
import { type ElementsByName, evaluateSteps } from './evaluate-steps.js';
import type { Elements } from './kernel.js';

export interface ReferenceOptions extends BackendOptions {
  /** Bits of the numbers that stand for float32 (default 32). With 64, float32 values are held as Float64Array. */
  readonly precision?: Precision | undefined;
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

class ReferenceBackend extends ValueBackend<Elements> {
  override readonly name = 'reference';
  override readonly device = { kind: 'cpu', description: 'cpu (1 thread)' } as const;
  readonly #precision: Precision;

  constructor(precision: Precision) {
    super();
    this.#precision = precision;
  }

  protected override prepare(graph: Graph): Compiled<Elements> {
    const primitives = decomposeFused(graph);
    return this.#compiled((inputs, batch) => evaluate(primitives, inputs, batch, this.#precision));
  }

  async compileSteps(graph: Graph, steps: Steps): Promise<Executable> {
    return compileWithChecks(this, graph, async (safe) => {
      const primitives = decomposeFused(safe);
      const run = (inputs: ElementsByName) => evaluate(primitives, inputs, 1, this.#precision);
      return this.executable(
        stepSpecs(safe, steps),
        this.#compiled((inputs) => evaluateSteps(run, steps, inputs)),
      );
    });
  }

  #compiled(run: (inputs: ElementsByName, batch: number) => ElementsByName): Compiled<Elements> {
    return {
      run: (inputs, batch) => new Map([...run(inputs, batch)].map(([name, y]) => [name, this.values.add(y, y)])),
    };
  }

  protected override put(data: TypedArray, { shape, dtype }: Spec): Elements {
    const held = arrayFor(dtype, data.length, this.#precision);
    held.set(data);
    return { data: held, shape: staticShape(shape), dtype };
  }

  protected override take({ data }: Elements): TypedArray {
    return data.slice();
  }
}
