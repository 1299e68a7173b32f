// The reference backend: plain loops over typed arrays.

import {
  type Backend,
  type BackendOptions,
  BnError,
  type Diagnosis,
  decomposeFused,
  type Executable,
  formatSpec,
  type Graph,
  type Spec,
  staticShape,
  type TypedArray,
  type Value,
} from '@bn/core';
import { checkInputs } from './check-inputs.js';
import { arrayFor, evaluate, type Precision } from './evaluate.js';
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
      `reference computes on the CPU only, not on ${device}; leave out the device or take another backend`,
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
  readonly #live = new Map<Value, Elements>();
  #disposed = false;

  constructor(precision: Precision) {
    this.#precision = precision;
  }

  get liveValues(): number {
    return this.#live.size;
  }

  async compile(graph: Graph): Promise<Executable> {
    this.#requireUndisposed();
    const primitives = decomposeFused(graph);
    let disposed = false;
    return {
      run: async (inputs) => {
        this.#requireUndisposed();
        if (disposed) throw new BnError('backend', 'run: the executable was disposed; compile the graph again');
        // Nodes that no output needs are in neither graph, so both take the same inputs.
        const batch = checkInputs(graph, inputs);
        const elements = new Map(
          [...inputs].map(([name, value]) => [name, this.#elementsOf(value, `input '${name}'`)]),
        );
        const results = evaluate(primitives, elements, batch, this.#precision);
        return new Map([...results].map(([name, y]) => [name, this.#hold(y)]));
      },
      dispose: async () => {
        disposed = true;
      },
    };
  }

  upload(data: TypedArray, spec: Spec): Value {
    this.#requireUndisposed();
    const shape = staticShape(spec.shape, 'upload');
    const held = arrayFor(
      spec.dtype,
      shape.reduce((product, n) => product * n, 1),
      this.#precision,
    );
    if (data.length !== held.length) {
      throw new BnError(
        'shape',
        `upload: ${formatSpec(spec)} holds ${held.length} values, got ${data.length}; pass as many`,
      );
    }
    if (!isArrayOf(spec, data)) {
      throw new BnError(
        'dtype',
        `upload: ${formatSpec(spec)} cannot be made from ${data.constructor.name}; convert it first`,
      );
    }
    held.set(data);
    return this.#hold({ data: held, shape, dtype: spec.dtype });
  }

  async download(value: Value): Promise<TypedArray> {
    this.#requireUndisposed();
    return this.#elementsOf(value, 'download').data.slice();
  }

  release(value: Value): void {
    this.#live.delete(value);
  }

  async dispose(): Promise<void> {
    this.#live.clear();
    this.#disposed = true;
  }

  #hold(elements: Elements): Value {
    const value = { spec: { shape: elements.shape, dtype: elements.dtype } };
    this.#live.set(value, elements);
    return value;
  }

  #elementsOf(value: Value, what: string): Elements {
    const elements = this.#live.get(value);
    if (elements) return elements;
    throw new BnError('argument', `${what}: the value was released or belongs to another backend; upload it again`);
  }

  #requireUndisposed(): void {
    if (this.#disposed) throw new BnError('backend', 'the reference backend was disposed; create a new one');
  }
}

function isArrayOf({ dtype }: Spec, data: TypedArray): boolean {
  if (dtype === 'float32') return data instanceof Float32Array || data instanceof Float64Array;
  return dtype === 'int32' ? data instanceof Int32Array : data instanceof Uint8Array;
}
