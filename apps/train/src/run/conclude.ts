// What is said and recorded at the end of a run: metrics on the test data, mistakes, the report.

import type { RunData } from '@bn/command-line';
import type { Backend, Metrics, Trainer } from '@bn/core';
import type { RunConfig } from '../config/settings.js';
import type { FittedModel } from '../load/fit-model.js';
import type { RunDescription, RunRecord } from '../run-record.js';
import type { Recorder } from './recorder.js';
import { testResult } from './test-result.js';
import { viewsOf } from './views.js';

/**
 * Evaluates with the moving averages, then recalibrates the running statistics on the training data and evaluates again.
 * The trainer has the recalibrated statistics afterwards; the checkpoint keeps the moving averages.
 */
export async function conclude(
  trainer: Trainer,
  recorder: Recorder,
  run: { data: RunData; fitted: FittedModel; config: RunConfig; description: RunDescription; backend: Backend },
): Promise<RunRecord> {
  const { data, fitted, config, description } = run;
  const { batchSize } = config;
  const evaluation = recorder.evaluation ?? (await trainer.evaluate(data.test, { batchSize }));
  const result = await testResult(config.task, data, evaluation.answers, trainer);
  const views = await viewsOf(trainer, run, result, evaluation.answers);
  const recalibrate = async () => {
    await trainer.recalibrate(data.train, { batchSize });
    return metricsOf(await trainer.evaluate(data.test, { batchSize }));
  };
  const last = recorder.epochs.at(-1)!;
  const total = (key: 'examples' | 'seconds') => recorder.epochs.reduce((sum, epoch) => sum + epoch[key], 0);
  return {
    config,
    description,
    epochs: recorder.epochs,
    summary: {
      ...metricsOf(last),
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
