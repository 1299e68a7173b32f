// Loads what a configuration names (network, data, backend), and makes a trainer of it for as long as it is needed.

import {
  computeOptions,
  type DataOptions,
  labelsOf,
  loadData,
  openBackend,
  outlineOf,
  type RunData,
} from '@bn/command-line';
import { type Backend, balancedWeights, createTrainer, type Metrics, type Signature, type Trainer } from '@bn/core';
import { dataOptions, type RunConfig } from '../config/settings.js';
import { type FittedModel, fitModel, type MatchedData, matchData } from '../load/fit-model.js';
import { adviceOnStatistics } from '../load/frozen.js';
import { loadNetwork } from '../load/load-network.js';
import { type Fingerprint, fingerprintOf } from './fingerprint.js';
import { averageOf, objectiveOf, optimizerOf, scoreOf } from './learning-rule.js';
import type { Ranks } from './ranks.js';

export interface Loaded extends MatchedData {
  /** As given, but with the name of the backend that was chosen in place of `auto`. */
  readonly config: RunConfig;
  readonly fitted: FittedModel;
  readonly backend: Backend;
  /** Why not a better device or backend, where the choice was not the user's. */
  readonly deviceReason: string | undefined;
  /** Of the data and the network. */
  readonly fingerprint: Fingerprint;
  readonly trainer: Trainer;
  /** What epochs are compared by, the lower the better. */
  readonly score: (validation: Metrics) => number;
}

/**
 * Runs `body`; trainer and backend are disposed of afterwards.
 *
 * @param onProgress called now and then while many files are read
 * @param ranks who computes with this process; by default nobody
 * @param signature of the run that is continued or whose weights are taken, null for none: the data's classes are matched to
 *   its own
 */
export async function withTrainer<T>(
  config: RunConfig,
  workingFolder: string,
  {
    signature,
    onProgress = () => {},
    ranks,
  }: { signature: Signature | null; onProgress?: DataOptions['onProgress']; ranks?: Pick<Ranks, 'party' | 'threads'> },
  body: (loaded: Loaded) => Promise<T>,
): Promise<T> {
  const network = await loadNetwork(config, workingFolder);
  // Other threads unpack the data, while this one makes the backend and, for data that is known, compiles.
  const loading = loadData({ ...dataOptions(config), onProgress }, network.shape);
  // Told below: not also as an error that nothing handles.
  loading.catch(() => {});
  const opened = await openBackend(
    config.backend,
    workingFolder,
    computeOptions({ ...config, threads: config.threads ?? ranks?.threads ?? null }),
  );
  const { backend, name, reason: deviceReason } = opened;
  try {
    // Weights of classes are known when the data is read.
    const outline = config.classWeights === null ? await outlineOf(dataOptions(config)) : null;
    const { outputs, ...rest } = outline ?? (await loading);
    const known = signature ?? (config.newHead ? null : (network.signed?.signature ?? null));
    const objective = objectiveOf(config, outputs);
    const fitted = fitModel(network, objective, { outputs, ...rest }, { ...config, known: known?.output ?? null });
    const score = scoreOf(config.keepBy, objective);
    const { model, frozen } = fitted;
    const weighed =
      config.classWeights === null
        ? objective
        : objectiveOf(config, fitted.outputs, weightsFor(matchData(fitted, await loading, config).data));
    const learner = { model, objective: weighed, optimizer: optimizerOf(config), average: averageOf(config) };
    const trainer = await createTrainer({
      ...{ ...learner, backend, seed: config.seed, trainable: frozen?.trainable },
      microBatch: config.microBatch ?? undefined,
      party: ranks?.party,
      syncBatchNorm: config.syncBn === 'on',
    });
    try {
      if (outline) await trainer.compile(outline.train, { batchSize: config.batchSize });
      const data = await loading;
      const advice = adviceOnStatistics(config, data.train.length);
      const matched = matchData(fitted, data, config);
      const warnings = [...(network.signed?.assumptions ?? []), ...data.warnings, ...matched.warnings, ...advice];
      const chosen = { ...config, backend: name };
      const fingerprint = await fingerprintOf(matched.data, network.file, config.pixels);
      return await body({
        ...matched,
        warnings,
        config: chosen,
        fitted,
        backend,
        deviceReason,
        fingerprint,
        trainer,
        score,
      });
    } finally {
      await trainer.dispose();
    }
  } finally {
    await backend.dispose();
  }
}

function weightsFor({ train, outputs }: RunData): number[] {
  return balancedWeights(labelsOf(train).flat(), outputs);
}
