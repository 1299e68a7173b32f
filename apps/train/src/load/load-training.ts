// What `parity` and `profile` train: the model made for the data, and the batches that `train` has.

import { loadData, type RunData } from '@bn/command-line';
import { assembleBatch, type Batch, type Dataset, epochOrder } from '@bn/core';
import type { RunConfig } from '../config/settings.js';
import { objectiveOf } from '../run/learning-rule.js';
import { type FittedModel, fitModel, matchData } from './fit-model.js';
import { loadNetwork } from './load-network.js';

export async function loadTraining(
  config: RunConfig,
  workingFolder: string,
): Promise<{ readonly fitted: FittedModel; readonly data: RunData }> {
  const network = await loadNetwork(config, workingFolder);
  const data = await loadData(config, network.shape);
  const fitted = fitModel(network, objectiveOf(config, data.outputs), data, network.signed?.signature.output ?? null);
  return { fitted, data: matchData(fitted, data, config.batchSize).data };
}

/** The batches of a training from its start, but for a smaller last one of an epoch. */
export function* batchesOf(dataset: Dataset, { batchSize, seed }: RunConfig): Generator<Batch, never> {
  const size = Math.min(batchSize, dataset.length);
  for (let epoch = 0; ; epoch++) {
    const order = epochOrder(dataset.length, seed, epoch);
    for (let start = 0; start + size <= order.length; start += size) {
      yield assembleBatch(dataset, order.subarray(start, start + size));
    }
  }
}
