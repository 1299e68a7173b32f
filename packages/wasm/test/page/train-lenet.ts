// A short training, the same wherever it runs.

import { type Backend, batchNorm, classification, createTrainer, defineModel, sgd } from '@bn/core';
import { lenet } from '@bn/models';

/** Losses of five steps on made-up images. */
export async function trainLenet(backend: Backend): Promise<number[]> {
  const model = defineModel(lenet({ normalization: () => batchNorm() }), {
    input: { shape: [null, 1, 28, 28], dtype: 'float32' },
  });
  const trainer = await createTrainer({ model, backend, objective: classification(), optimizer: sgd() });
  const features = Uint8Array.from({ length: 256 * 784 }, (_, i) => (i * 7919) % 251);
  const labels = Int32Array.from({ length: 256 }, (_, i) => (i * 7) % 10);
  const losses: number[] = [];
  for (let step = 0; step < 5; step++) {
    losses.push((await trainer.step({ features, labels }, { learningRate: 0.5 })).loss);
  }
  await trainer.dispose();
  return losses;
}
