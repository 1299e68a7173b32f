// What is said and recorded at the end of a run: metrics on the test data, mistakes, the report.

import type { RunData } from '@bn/command-line';
import type { Backend, Checkpoint, Metrics, Trainer } from '@bn/core';
import type { RunConfig } from '../config/settings.js';
import type { FittedModel } from '../load/fit-model.js';
import { figureOf, type RunDescription, type RunRecord } from '../run-record.js';
import type { Recorder } from './recorder.js';
import { testResult } from './test-result.js';
import { viewsOf } from './views.js';

/**
 * Goes to the epoch that is kept, evaluates with the moving averages, then recalibrates the running statistics on the training data and evaluates again.
 * The trainer has the recalibrated statistics afterwards; the checkpoint keeps the moving averages.
 *
 * @param kept the state after the best epoch, null where the last one is kept
 */
export async function conclude(
  trainer: Trainer,
  recorder: Recorder,
  run: { data: RunData; fitted: FittedModel; config: RunConfig; description: RunDescription; backend: Backend },
  kept: Checkpoint | null,
): Promise<RunRecord> {
  const { data, fitted, config, description } = run;
  const { batchSize, keepBy: by } = config;
  const last = recorder.epochs.at(-1)!;
  const counting = recorder.epochs.find(({ epoch }) => epoch === kept?.position.epoch) ?? last;
  if (kept && counting !== last) trainer.restore(kept);
  const known = counting === last ? recorder.evaluation : null;
  const evaluation = known ?? (await trainer.evaluate(data.test, { batchSize }));
  const result = await testResult(config.task, data, evaluation.answers, trainer);
  const views = await viewsOf(trainer, run, result, evaluation.answers);
  const recalibrate = async () => {
    await trainer.recalibrate(data.train, { batchSize });
    return metricsOf(await trainer.evaluate(data.test, { batchSize }));
  };
  const total = (key: 'examples' | 'seconds') => recorder.epochs.reduce((sum, epoch) => sum + epoch[key], 0);
  return {
    config,
    description,
    epochs: recorder.epochs,
    summary: {
      ...metricsOf(counting),
      ...(counting.validation &&
        kept && { kept: { epoch: counting.epoch, by, value: figureOf(by, counting.validation)! } }),
      test: metricsOf(evaluation),
      ...(fitted.hasStates && { recalibrated: await recalibrate() }),
      examplesPerSecond: total('examples') / total('seconds'),
      device: description.device,
    },
    result,
    views,
  };
}

function metricsOf({ loss, metrics }: Metrics): Metrics {
  return { loss, metrics };
}
