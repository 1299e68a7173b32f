// The training step of a deep network.

import {
  batchNorm,
  classification,
  defineModel,
  dense,
  flatten,
  type Layer,
  sequential,
  sgd,
  trainingStepGraph,
} from '@bn/core';

/** @param pairs of a dense layer and batch normalization, one after the other */
export function deepStep(pairs: number) {
  const layers: Record<string, Layer> = { flatten: flatten() };
  for (let i = 0; i < pairs; i++) Object.assign(layers, { [`dense${i}`]: dense(4 + (i % 3)), [`bn${i}`]: batchNorm() });
  const model = defineModel(sequential({ ...layers, out: dense(3) }), {
    input: { shape: [null, 4], dtype: 'float32' },
  });
  const features = { shape: [10, 4], dtype: 'float32' } as const;
  return trainingStepGraph(model, classification(), sgd(), { features, labels: { shape: [10], dtype: 'int32' } });
}
