// Trains with a rate that rises from step to step until the loss diverges, and keeps nothing of it.

import { setImmediate } from 'node:timers/promises';
import { type Io, UsageError } from '@bn/command-line';
import { BnError } from '@bn/core';
import type { RunConfig } from '../config/settings.js';
import { loadingProgress } from '../display/progress.js';
import { batchesOf } from '../load/load-steps.js';
import { readWeights } from '../load/read-weights.js';
import { describeRun } from '../run/describe-run.js';
import { loadFirstValues } from '../run/first-values.js';
import { withTrainer } from '../run/with-trainer.js';
import { type RateRecord, ratesOf, smooth, suggestRate } from './record.js';

/** A loss of as many times the lowest one has diverged. */
const divergence = 4;
/** Steps whose mean counts as a loss there: one batch may be hard. */
const window = 3;

/** @throws UsageError for data of too few steps to tell; BnError for what is wrong with model or data; when stopped */
export async function findRate(config: RunConfig, steps: number, { cwd, stderr, signal }: Io): Promise<RateRecord> {
  const weights = await readWeights(config);
  const signature = weights?.signature ?? null;
  // An average of weights would only slow the steps.
  const plain: RunConfig = { ...config, average: 'none' };
  return withTrainer(plain, cwd, { signature, onProgress: loadingProgress(stderr) }, async (loaded) => {
    const { trainer, data } = loaded;
    await loadFirstValues(loaded, weights);
    const batches = batchesOf(data.train, config);
    const losses: number[] = [];
    const rates = ratesOf(steps);
    let least = Number.POSITIVE_INFINITY;
    for (const learningRate of rates) {
      await setImmediate();
      signal.throwIfAborted();
      const result = await trainer.step(batches.next().value, { learningRate }).catch((error) => {
        if (losses.length > window && error instanceof BnError && error.code === 'not-finite') return null;
        throw error;
      });
      if (!result) break;
      losses.push(result.loss);
      const recent = losses.slice(-window).reduce((sum, loss) => sum + loss, 0) / Math.min(window, losses.length);
      if (losses.length >= window) least = Math.min(least, recent);
      if (recent > divergence * least) break;
    }
    if (losses.length < 10) {
      throw new UsageError(`the loss diverges within ${losses.length} steps; scale the features, or give more --steps`);
    }
    const smoothed = smooth(rates.slice(0, losses.length), losses);
    const points = losses.map((loss, i) => ({ rate: rates[i]!, loss, smoothed: smoothed[i]! }));
    const { model, backend } = describeRun(loaded, cwd);
    return {
      ...{ model, data: data.description, backend, batchSize: Math.min(config.batchSize, data.train.length) },
      ...{ points, suggestion: suggestRate(points) },
    };
  });
}
