// What a layer makes of examples in a training step, by itself: how augmented pictures look.

import type { Backend } from '../backend.js';
import { createGraph } from '../graph.js';
import { defineModel, trace } from '../model.js';
import { streams } from '../random.js';
import type { Layer } from '../scope.js';
import { simplify } from '../simplify/simplify.js';
import type { Spec, TypedArray } from '../spec.js';
import { input } from '../tensor.js';
import { featureSpec } from './batches.js';
import { Runner } from './runner.js';

export interface ApplyInTrainingOptions {
  readonly backend: Backend;
  /** Of the layer's input, its batch dimension null. */
  readonly input: Spec;
  /** Examples one after another; uint8 becomes float32 in 0..1. */
  readonly features: TypedArray;
  /** Of the run. */
  readonly seed: number;
  /** For each result the number of training steps before it. */
  readonly steps: readonly number[];
}

/**
 * What a layer without parameters gives in training, with the random numbers that it has as the first layer of a run, in the
 * step after each of `steps`.
 */
export async function applyInTraining(layer: Layer, options: ApplyInTrainingOptions): Promise<Float32Array[]> {
  const { backend, features, seed, steps } = options;
  const model = defineModel(layer, { input: options.input });
  const spec = featureSpec(model, features);
  const { output } = trace(model, input('features', spec.shape, spec.dtype), { training: true });
  const runner = new Runner(backend);
  try {
    const compiled = runner.compile('apply', () => simplify(createGraph({ output })));
    const results: Float32Array[] = [];
    for (const step of steps) {
      const outputs = await runner.run(compiled, [['features', features, spec]], {
        random: [seed, streams.random, step],
      });
      results.push(Float32Array.from(await runner.take(outputs, 'output')));
    }
    return results;
  } finally {
    await runner.dispose();
  }
}
