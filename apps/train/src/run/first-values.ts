// The values that a training starts from: random ones, or weights from elsewhere.

import { createTrainer, sgd } from '@bn/core';
import type { Weights } from '../load/read-weights.js';
import type { Loaded } from './with-trainer.js';

/** @throws BnError `checkpoint` for weights of another model */
export async function loadFirstValues(loaded: Loaded, weights: Weights | null): Promise<void> {
  const { fitted, trainer } = loaded;
  if (weights) trainer.load(weights.for(fitted.model));
  await recalibrateFirst(loaded);
}

/** Statistics of batch normalization from the training images, before training keeps them. */
async function recalibrateFirst({ fitted, backend, trainer, data, config }: Loaded): Promise<void> {
  const { averaging: model, objective } = fitted;
  if (!model) return;
  const own = await createTrainer({ model, backend, objective, optimizer: sgd() });
  try {
    own.load(await trainer.values());
    await own.recalibrate(data.train, { batchSize: config.batchSize });
    trainer.load(await own.values());
  } finally {
    await own.dispose();
  }
}
