// Finds where NaN or infinity first appears in a step whose loss is not finite.

import type { Backend, Value } from '../backend.js';
import { createGraph } from '../graph.js';
import { type Model, trace } from '../model.js';
import type { Spec } from '../spec.js';
import { input } from '../tensor.js';
import { layerOf, layerOutputs } from './layer-outputs.js';

/**
 * The first layer, in the order of computation, whose parameters or output are not all finite, in words.
 *
 * @param values the inputs of the step, by name.
 */
export async function firstNonFinite(
  model: Model,
  features: Spec,
  backend: Backend,
  values: ReadonlyMap<string, Value>,
): Promise<string> {
  const traced = trace(model, input('features', features.shape, features.dtype), { training: true });
  const outputOf = layerOutputs(traced.output);
  // Not by the layer alone: the root's path is empty, and runtimes want names.
  const graph = createGraph(
    new Map([...outputOf].map(([layer, node]) => [`output of ${layer || 'the network'}`, node])),
  );
  const executable = await backend.compile(graph);
  const inputs = new Map([...graph.inputs.keys()].map((name) => [name, values.get(name)!]));
  const outputs = await executable.run(inputs);
  try {
    for (const layer of outputOf.keys()) {
      for (const path of traced.parameters.keys()) {
        if (layerOf(path) === layer && !(await allFinite(backend, values.get(path)!))) return `${path} is not finite`;
      }
      const output = `output of ${layer || 'the network'}`;
      if (!(await allFinite(backend, outputs.get(output)!))) return `the ${output} is not finite`;
    }
    return 'all layers are finite, the loss itself is not, as of a label that is none of the classes';
  } finally {
    for (const value of outputs.values()) backend.release(value);
    await executable.dispose();
  }
}

async function allFinite(backend: Backend, value: Value): Promise<boolean> {
  return (await backend.download(value)).every((v) => Number.isFinite(v));
}
