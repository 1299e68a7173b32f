// A graph computed by a backend, from the host and back to it.

import type { Backend, TypedArray, Value } from '@bn/core';
import type { Case } from './random-graphs.js';

/** The outputs; nothing is left behind on the backend. */
export async function runCase(backend: Backend, { graph, inputs }: Case): Promise<Map<string, TypedArray>> {
  const executable = await backend.compile(graph);
  const values = new Map<string, Value>();
  for (const [name, { shape, dtype }] of graph.inputs) {
    values.set(name, backend.upload(inputs.get(name)!, { shape, dtype }));
  }
  const outputs = await executable.run(values);
  const results = new Map<string, TypedArray>();
  for (const [name, value] of outputs) results.set(name, await backend.download(value));
  for (const value of [...values.values(), ...outputs.values()]) backend.release(value);
  await executable.dispose();
  return results;
}
