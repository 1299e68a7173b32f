// What commands load that train single steps: network and data as `train` has them, and its batches.

import { loadData } from '@bn/command-line';
import { assembleBatch, type Batch, type Dataset, epochOrder, type TrainerOptions } from '@bn/core';
import { dataOptions, type RunConfig } from '../config/settings.js';
import { objectiveOf, optimizerOf, samplingOf } from '../run/learning-rule.js';
import { fitModel, matchData } from './fit-model.js';
import { loadNetwork } from './load-network.js';

export interface LoadedSteps {
  readonly options: Omit<TrainerOptions, 'backend'>;
  readonly train: Dataset;
  /** For people: what was loaded. */
  readonly description: string;
}

export async function loadSteps(config: RunConfig, workingFolder: string): Promise<LoadedSteps> {
  const network = await loadNetwork(config, workingFolder);
  const data = await loadData(dataOptions(config), network.shape);
  const objective = objectiveOf(config, data.outputs);
  const known = config.newHead ? null : (network.signed?.signature.output ?? null);
  const fitted = fitModel(network, objective, data, { ...config, known });
  const { train } = matchData(fitted, data, config).data;
  const { model, frozen } = fitted;
  const { seed } = config;
  const options = { model, objective, optimizer: optimizerOf(config), seed, trainable: frozen?.trainable };
  return { options, train, description: data.description };
}

/** The batches that `train` has, but for a smaller last one of an epoch. */
export function* batchesOf(
  dataset: Dataset,
  config: Pick<RunConfig, 'batchSize' | 'seed' | 'sampling'>,
): Generator<Batch, never> {
  const size = Math.min(config.batchSize, dataset.length);
  const sampling = samplingOf(config, dataset);
  for (let epoch = 0; ; epoch++) {
    const order = epochOrder(dataset.length, config.seed, epoch, sampling);
    for (let start = 0; start + size <= order.length; start += size) {
      yield assembleBatch(dataset, order.subarray(start, start + size));
    }
  }
}
