// An ONNX model in ONNX Runtime as it is, without a graph of @bn/core: to run or check exported files.

import { availableParallelism } from 'node:os';
import { BnError, type Spec, staticShape, type TypedArray } from '@bn/core';
import { loadRuntime } from './load-runtime.js';

/** Data of one input or output: row-major, with shape and element type. */
export interface ModelValue {
  readonly data: TypedArray;
  readonly spec: Spec;
}

export interface OpenModel {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /** Runs once, from inputs by name to outputs by name. */
  run(inputs: Readonly<Record<string, ModelValue>>): Promise<Record<string, ModelValue>>;
  dispose(): Promise<void>;
}

/**
 * Loads a model, the bytes of a file, on the CPU.
 *
 * @throws `backend` if ONNX Runtime is not there, or does not take the model or the inputs
 */
export async function openModel(
  bytes: Uint8Array,
  { threads = availableParallelism() }: { readonly threads?: number | undefined } = {},
): Promise<OpenModel> {
  const { InferenceSession, Tensor } = await loadRuntime();
  const failed = (what: string) => (cause: Error) => {
    throw new BnError('backend', `ONNX Runtime ${what}: ${cause.message}`, { cause });
  };
  const session = await InferenceSession.create(bytes, { intraOpNumThreads: threads, logSeverityLevel: 4 }).catch(
    failed('does not take the model'),
  );
  return {
    inputNames: session.inputNames,
    outputNames: session.outputNames,
    async run(inputs) {
      const feeds = Object.entries(inputs).map(([name, { data, spec }]) => {
        const tensor = new Tensor(spec.dtype, data as Float32Array, staticShape(spec.shape));
        return [name, tensor] as const;
      });
      const results = await session.run(Object.fromEntries(feeds)).catch(failed('fails to run the model'));
      const values = Object.entries(results).map(([name, { data, dims, type }]) => {
        const value = { data: data as TypedArray, spec: { shape: dims, dtype: type as Spec['dtype'] } };
        return [name, value] as const;
      });
      return Object.fromEntries(values);
    },
    dispose: () => session.release(),
  };
}
