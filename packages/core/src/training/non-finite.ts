// Finds where NaN or infinity first appears in a step whose loss or statistics are not finite, and what to do about it.

import type { Backend, Value } from '../backend.js';
import { createGraph } from '../graph.js';
import { type Model, traceOn } from '../model.js';
import { type Spec, sizeOf, type TypedArray } from '../spec.js';
import type { Batch } from './batches.js';
import { layerOf, layerOutputs } from './layer-outputs.js';
import type { Part } from './runner.js';
import type { BatchSpec } from './step-graph.js';

/** A step that would leave something that is not finite. */
interface Broken {
  readonly batch: Batch;
  readonly spec: BatchSpec;
  /** Numbers of the batch's examples in their data set. */
  readonly examples: ArrayLike<number> | undefined;
  /** Path of the state that is not, where the loss is. */
  readonly state: string | null;
}

/**
 * The cause in words, with advice that fits: an example, or the first layer, in the order of computation, whose parameters
 * or output are not all finite.
 *
 * @param parts of the batch, with the inputs of the step
 */
export async function whyNotFinite(
  model: Model,
  { batch, examples, spec, state }: Broken,
  backend: Backend,
  parts: AsyncIterable<Part>,
): Promise<string> {
  const wrongExample = (what: string, data: TypedArray, { shape }: Spec) => {
    const place = data.findIndex((v) => !Number.isFinite(v));
    if (place < 0) return null;
    const i = Math.floor(place / sizeOf(shape.slice(1)));
    const example = examples ? `example ${examples[i]}` : `example ${i} of the batch`;
    return `${example} has a ${what} that is ${data[place]}; correct that example, or leave it out`;
  };
  const feature = wrongExample('feature', batch.features, spec.features);
  const example = feature ?? wrongExample('label', batch.labels, spec.labels);
  if (example) return example;
  let place: string | null = null;
  let isParameter = false;
  for await (const { examples: size, values } of parts) {
    const shape = [Math.min(size, spec.features.shape[0]!), ...spec.features.shape.slice(1)];
    if (size === 1) continue; // has no statistics
    place = await firstNonFinite(model, { ...spec.features, shape }, backend, values);
    isParameter = place !== null && values.has(place);
    if (place) break;
  }
  if (!place && state) return 'its values are too large to be squared; scale the features, or lower the learning rate';
  if (!place) return 'every layer is finite: probably a label is outside the classes; check the labels';
  if (isParameter) return `${place} is not finite: the weights have diverged; lower the learning rate`;
  return `the ${place} is not finite, though the data is; lower the learning rate, or scale features that are very large`;
}

/** Path of a parameter, or 'output of' a layer. */
async function firstNonFinite(
  model: Model,
  features: Spec,
  backend: Backend,
  values: ReadonlyMap<string, Value>,
): Promise<string | null> {
  const traced = traceOn(model, features, { training: true });
  const outputOf = layerOutputs(traced.output);
  // Not by the layer alone: the root's path is empty, and runtimes want names.
  const nameOf = (layer: string) => `output of ${layer || 'the network'}`;
  const graph = createGraph(new Map([...outputOf].map(([layer, node]) => [nameOf(layer), node])));
  const executable = await backend.compile(graph);
  const inputs = new Map([...graph.inputs.keys()].map((name) => [name, values.get(name)!]));
  const outputs = await executable.run(inputs);
  try {
    for (const layer of outputOf.keys()) {
      for (const path of traced.parameters.keys()) {
        if (layerOf(path) === layer && !(await allFinite(backend, values.get(path)!))) return path;
      }
      if (!(await allFinite(backend, outputs.get(nameOf(layer))!))) return nameOf(layer);
    }
    return null;
  } finally {
    for (const value of outputs.values()) backend.release(value);
    await executable.dispose();
  }
}

export async function allFinite(backend: Backend, value: Value): Promise<boolean> {
  return (await backend.download(value)).every((v) => Number.isFinite(v));
}
