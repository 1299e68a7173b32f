// A small classifier with everything that exports meet, and how the reference backend computes it.

import {
  avgPool2d,
  batchNorm,
  classification,
  conv2d,
  createGenerator,
  createTrainer,
  defineModel,
  dense,
  flatten,
  type HostTensor,
  input,
  type Layer,
  type Model,
  maxPool2d,
  relu,
  sequential,
  sgd,
  sigmoid,
  trace,
} from '@bn/core';
import { createBackend } from '@bn/reference';

export const smallNetwork: Layer = sequential({
  conv1: conv2d(4, { kernelSize: 3, padding: 1, bias: false }),
  bn1: batchNorm(),
  act1: relu(),
  pool1: maxPool2d(2),
  conv2: conv2d(6, { kernelSize: 3, groups: 2 }),
  bn2: batchNorm({ scale: false }),
  act2: sigmoid(),
  pool2: avgPool2d(2),
  flatten: flatten(),
  dense1: dense(8),
  bn3: batchNorm(),
  act3: sigmoid(),
  dense2: dense(3),
});

export function smallModel(network: Layer = smallNetwork): Model {
  return defineModel(network, { input: { shape: [null, 2, 8, 8], dtype: 'float32' } });
}

/** Values for all parameters and states of a model; variances are above 0, whatever they are called. */
export function randomValues(model: Model, seed = 1): Map<string, HostTensor> {
  const traced = trace(model, input('features', [2, ...model.input.shape.slice(1)], model.input.dtype));
  const random = createGenerator(seed);
  return new Map(
    [...traced.parameters, ...traced.states].map(([path, { shape }]) => {
      const size = shape.reduce((a, b) => a * b, 1);
      const positive = /[vV]ar/.test(path);
      return [
        path,
        { shape, data: Float32Array.from({ length: size }, () => random.uniform() - (positive ? -0.1 : 0.5)) },
      ];
    }),
  );
}

/** Random pixels for so many examples. */
export function randomPixels(examples: number, seed = 2): Uint8Array {
  const random = createGenerator(seed);
  return Uint8Array.from({ length: examples * 2 * 8 * 8 }, () => random.integer(256));
}

/** What the reference backend predicts. */
export async function predict(
  model: Model,
  values: ReadonlyMap<string, HostTensor>,
  features: Uint8Array | Float32Array,
): Promise<Float32Array> {
  const backend = await createBackend();
  const trainer = await createTrainer({ model, backend, objective: classification(), optimizer: sgd() });
  try {
    trainer.load(values);
    return await trainer.predict(features);
  } finally {
    await trainer.dispose();
    await backend.dispose();
  }
}

/** The largest absolute difference; NaN if there is one in either. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.NaN;
  return Math.max(...Array.from(a, (v, i) => Math.abs(v - b[i]!)));
}
