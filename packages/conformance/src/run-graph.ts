// Running graphs from the host to the host.

import { type Backend, createGraph, type Executable, type Graph, input, type Tensor, type Value } from '@bn/core';
import type { HostValue, HostValues } from './host-value.js';
import type { Precision } from './tolerances.js';

/** The graph of a computation: inputs x0, x1, … and output y. */
export function graphOf(inputs: readonly HostValue[], build: (...inputs: Tensor[]) => Tensor): Graph {
  return createGraph({ y: build(...inputs.map(({ shape, dtype }, i) => input(`x${i}`, shape, dtype))) });
}

/** The inputs by the names that `graphOf` gives them. */
export function named(inputs: readonly HostValue[]): HostValues {
  return Object.fromEntries(inputs.map((value, i) => [`x${i}`, value]));
}

/** Compiles a graph and runs it once. Values that the graph does not take are left out. */
export async function runGraph(
  backend: Backend,
  graph: Graph,
  inputs: HostValues,
  precision: Precision = 32,
): Promise<HostValues> {
  const executable = await backend.compile(graph);
  try {
    const taken = [...graph.inputs.keys()].map((name) => [name, inputs[name]]);
    return await runOnce(backend, executable, Object.fromEntries(taken), precision);
  } finally {
    await executable.dispose();
  }
}

/** Uploads, runs, downloads, and releases all values. */
export async function runOnce(
  backend: Backend,
  executable: Executable,
  inputs: HostValues,
  precision: Precision = 32,
): Promise<HostValues> {
  const held: Value[] = [];
  try {
    const taken = new Map<string, Value>();
    for (const [name, value] of Object.entries(inputs)) {
      taken.set(name, upload(backend, value, precision));
      held.push(taken.get(name)!);
    }
    const outputs = await executable.run(taken);
    held.push(...outputs.values());
    const results: Record<string, HostValue> = {};
    for (const [name, value] of outputs) results[name] = await download(backend, value);
    return results;
  } finally {
    for (const value of held) backend.release(value);
  }
}

/** Copies to the backend; float32 values are rounded unless the precision is 64. */
export function upload(backend: Backend, { data, shape, dtype }: HostValue, precision: Precision = 32): Value {
  return backend.upload(dtype === 'float32' && precision === 32 ? Float32Array.from(data) : data, { shape, dtype });
}

/** Copies to the host. */
export async function download(backend: Backend, value: Value): Promise<HostValue> {
  return { ...value.spec, shape: value.spec.shape as readonly number[], data: await backend.download(value) };
}

/** What a backend holds float32 values in. */
export async function precisionOf(backend: Backend): Promise<Precision> {
  const value = backend.upload(Float32Array.of(0), { shape: [], dtype: 'float32' });
  const data = await backend.download(value);
  backend.release(value);
  return data instanceof Float64Array ? 64 : 32;
}
