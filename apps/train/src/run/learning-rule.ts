// The objective, the optimizer and the learning rate schedule that the settings name.

import {
  accuracy,
  adam,
  adamW,
  chain,
  classification,
  clip,
  constantSchedule,
  cosineSchedule,
  linearWarmup,
  multiLabel,
  type Objective,
  type Optimizer,
  regression,
  rmsprop,
  type Schedule,
  sgd,
  stepSchedule,
  topAccuracy,
} from '@bn/core';
import type { RunConfig } from '../config/settings.js';

/** @param outputs number of classes, labels or values */
export function objectiveOf({ task }: Pick<RunConfig, 'task'>, outputs: number): Objective {
  if (task === 'multilabel') return multiLabel();
  if (task === 'regress') return regression();
  // Among few classes, being among the best five says little.
  return classification(outputs > 10 ? { metrics: { accuracy: accuracy(), top5: topAccuracy(5) } } : {});
}

export function optimizerOf(config: RunConfig): Optimizer {
  const { momentum, weightDecay, decayAll, clip: norm } = config;
  const decay = { decayAll, ...(weightDecay !== null && { weightDecay }) };
  const moving = { ...decay, ...(momentum !== null && { momentum }) };
  const optimizers: Record<RunConfig['optimizer'], () => Optimizer> = {
    sgd: () => sgd(moving),
    adam: () => adam(decay),
    adamw: () => adamW(decay),
    rmsprop: () => rmsprop(moving),
  };
  const optimizer = optimizers[config.optimizer]();
  return norm === null ? optimizer : chain(clip(norm), optimizer);
}

export function scheduleOf(
  config: Pick<RunConfig, 'schedule' | 'warmupEpochs' | 'epochs' | 'unfreezeAfter'>,
): Schedule {
  const schedules: Record<RunConfig['schedule'], Schedule> = {
    constant: constantSchedule(),
    step: stepSchedule({ every: Math.ceil(config.epochs / 3), factor: 0.1 }),
    cosine: cosineSchedule(),
  };
  const schedule = schedules[config.schedule];
  const { warmupEpochs, unfreezeAfter } = config;
  const warmed = warmupEpochs > 0 ? linearWarmup({ epochs: warmupEpochs }, schedule) : schedule;
  if (unfreezeAfter === null) return warmed;
  // What was frozen is good already: small steps.
  return (at) => warmed(at) * (at.step < unfreezeAfter * at.stepsPerEpoch ? 1 : 0.1);
}
