// Loads what a configuration names (network, data, backend), and makes a trainer of it for as long as it is needed.

import { computeOptions, loadData, openBackend, outlineOf, type RunData } from '@bn/command-line';
import { type Backend, classification, createTrainer, type Trainer } from '@bn/core';
import type { RunConfig } from '../config/settings.js';
import { checkData, type FittedModel, fitModel } from '../load/fit-model.js';
import { loadNetwork } from '../load/load-network.js';
import { optimizerOf } from './learning-rule.js';

export interface Loaded {
  /** As given, but with the name of the backend that was chosen in place of `auto`. */
  readonly config: RunConfig;
  readonly data: RunData;
  readonly fitted: FittedModel;
  /** What is odd about the data. */
  readonly warnings: readonly string[];
  readonly backend: Backend;
  /** Why not a better device or backend, where the choice was not the user's. */
  readonly deviceReason: string | undefined;
  readonly trainer: Trainer;
}

/** Runs `body`; trainer and backend are disposed of afterwards. */
export async function withTrainer<T>(
  config: RunConfig,
  workingFolder: string,
  body: (loaded: Loaded) => Promise<T>,
): Promise<T> {
  const network = await loadNetwork(config, workingFolder);
  // Other threads unpack the data, while this one makes the backend and, for data that is known, compiles.
  const loading = loadData(config, network.shape);
  // Told below: not also as an error that nothing handles.
  loading.catch(() => {});
  const opened = await openBackend(config.backend, workingFolder, computeOptions(config));
  const { backend, name, reason: deviceReason } = opened;
  try {
    const known = outlineOf(config);
    const fitted = fitModel(network, known ?? (await loading));
    const objective = classification();
    const trainer = await createTrainer({
      model: fitted.model,
      backend,
      loss,
      optimizer: optimizerOf(config),
      seed: config.seed,
    });
    try {
      if (known) await trainer.compile(known.train, { batchSize: config.batchSize });
      const data = await loading;
      const warnings = checkData(fitted, data, config.batchSize);
      return await body({
        config: { ...config, backend: name },
        data,
        fitted,
        warnings,
        backend,
        deviceReason,
        trainer,
      });
    } finally {
      await trainer.dispose();
    }
  } finally {
    await backend.dispose();
  }
}
