// What is said and recorded at the end of a run: test accuracies, mistakes, the report.

import { labelOf, type RunData } from '@bn/command-line';
import type { Dataset, Trainer } from '@bn/core';
import type { RunConfig } from '../config/settings.js';
import type { FittedModel } from '../load/fit-model.js';
import type { Misclassified, RunDescription, RunRecord } from '../run-record.js';
import type { Recorder } from './recorder.js';

/** Wrong examples that a report gets to see. */
const mostMisclassified = 64;

/**
 * Evaluates with the moving averages, then recalibrates the running statistics on the training data and evaluates again.
 * The trainer has the recalibrated statistics afterwards; the checkpoint keeps the moving averages.
 */
export async function conclude(
  trainer: Trainer,
  recorder: Recorder,
  run: { data: RunData; fitted: FittedModel; config: RunConfig; description: RunDescription },
): Promise<RunRecord> {
  const { data, fitted, config, description } = run;
  const { batchSize } = config;
  const evaluation = recorder.evaluation ?? (await trainer.evaluate(data.test, { batchSize }));
  let recalibrated: number | null = null;
  if (fitted.hasStates) {
    await trainer.recalibrate(data.train, { batchSize });
    recalibrated = (await trainer.evaluate(data.test, { batchSize })).accuracy;
  }
  const last = recorder.epochs.at(-1)!;
  const total = (key: 'examples' | 'seconds') => recorder.epochs.reduce((sum, epoch) => sum + epoch[key], 0);
  const predicted = evaluation.predicted!;
  const confusion = countConfusion(data.test, predicted, data.classes);
  return {
    config,
    description,
    epochs: recorder.epochs,
    summary: {
      loss: last.loss,
      trainAccuracy: last.trainAccuracy,
      testAccuracy: evaluation.accuracy,
      recalibratedTestAccuracy: recalibrated,
      examplesPerSecond: total('examples') / total('seconds'),
      device: description.device,
    },
    classNames: confusion.map((_, i) => data.test.classNames?.[i] ?? String(i)),
    confusion,
    misclassified: findMisclassified(data.test, predicted),
  };
}

/** Test examples by `[actual][predicted]`. */
function countConfusion(test: Dataset, predicted: Int32Array, classes: number): number[][] {
  const size = predicted.reduce((most, label) => Math.max(most, label + 1), classes);
  const counts = Array.from({ length: size }, () => new Array<number>(size).fill(0));
  for (let i = 0; i < test.length; i++) counts[labelOf(test, i)]![predicted[i]!]!++;
  return counts;
}

function findMisclassified(test: Dataset, predicted: Int32Array): Misclassified[] {
  const found: Misclassified[] = [];
  for (let index = 0; index < test.length && found.length < mostMisclassified; index++) {
    const { features, label } = test.get(index);
    if (label === predicted[index]) continue;
    const copy = test.features.dtype === 'uint8' ? Uint8Array.from(features) : Float32Array.from(features);
    const shape = test.features.shape as number[];
    found.push({ index, features: copy, shape, actual: label as number, predicted: predicted[index]! });
  }
  return found;
}
