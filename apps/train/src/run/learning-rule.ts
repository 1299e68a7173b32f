// What the settings name that training goes by: objective, optimizer, learning rate schedule, order of the examples.

import { labelsOf, UsageError } from '@bn/command-line';
import {
  type Average,
  accuracy,
  adam,
  adamW,
  balancedSampling,
  chain,
  classification,
  clip,
  constantSchedule,
  cosineSchedule,
  type Dataset,
  ema,
  linearWarmup,
  type Metrics,
  multiLabel,
  type Objective,
  type Optimizer,
  oneCycleSchedule,
  plateauSchedule,
  regression,
  rmsprop,
  type Sampling,
  type Schedule,
  sgd,
  stepSchedule,
  swa,
  topAccuracy,
} from '@bn/core';
import type { RunConfig } from '../config/settings.js';
import { figureOf, lessIsBetter } from '../run-record.js';

/**
 * @param outputs number of classes, labels or values
 * @param classWeights how much each class counts; by default all alike
 */
export function objectiveOf(
  { task }: Pick<RunConfig, 'task'>,
  outputs: number,
  classWeights?: readonly number[],
): Objective {
  if (task === 'multilabel') return multiLabel();
  if (task === 'regress') return regression();
  // Among few classes, being among the best five says little.
  const metrics = { accuracy: accuracy(), ...(outputs > 10 && { top5: topAccuracy(5) }) };
  return classification({ metrics, classWeights });
}

/** Which examples an epoch takes, by `--sampling`; undefined for the default. */
export function samplingOf({ sampling }: Pick<RunConfig, 'sampling'>, train: Dataset): Sampling | undefined {
  return sampling === null ? undefined : balancedSampling(labelsOf(train).flat());
}

/**
 * What epochs are compared by, the lower the better.
 *
 * @throws UsageError for a metric that the objective does not have
 */
export function scoreOf(keepBy: string, { metrics }: Objective): (validation: Metrics) => number {
  const names = ['loss', ...Object.keys(metrics)];
  if (!names.includes(keepBy)) {
    throw new UsageError(`--keep-by ${keepBy}: the figures of this task are ${names.join(', ')}; give one of them`);
  }
  const sign = lessIsBetter.includes(keepBy) ? 1 : -1;
  return (validation) => sign * figureOf(keepBy, validation)!;
}

/** Whether an epoch's figures take the place of those that are kept. */
export type KeepRule = (epochs: readonly Metrics[], next: Metrics) => boolean;

/**
 * Keeps the last epoch that validation does not tell from the best: one whose figure is at most one standard error worse. Of a
 * share of n examples, p, that is √(p(1 − p)/n); losses and errors of single examples are taken to scatter like their mean, which
 * makes it 1/√n of the mean. (Breiman et al., 1984, "Classification and Regression Trees", choose the simplest tree so.)
 *
 * @param examples number of validation examples
 */
export function keepRule(by: string, examples: number): KeepRule {
  const isLoss = lessIsBetter.includes(by);
  return (epochs, next) => {
    const figures = [...epochs, next].map((metrics) => figureOf(by, metrics)!);
    const figure = figures.at(-1)!;
    if (isLoss) return figure - figure / Math.sqrt(examples) <= Math.min(...figures);
    return figure + Math.sqrt((figure * (1 - figure)) / examples) >= Math.max(...figures);
  };
}

export function averageOf({ average }: Pick<RunConfig, 'average'>): Average | undefined {
  return average === 'none' ? undefined : average === 'ema' ? ema() : swa();
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
    'one-cycle': oneCycleSchedule(),
    // PyTorch counts the epochs that are let pass.
    plateau: plateauSchedule({ patience: 2 }),
  };
  const schedule = schedules[config.schedule];
  const { warmupEpochs, unfreezeAfter } = config;
  const warmed = warmupEpochs > 0 ? linearWarmup({ epochs: warmupEpochs }, schedule) : schedule;
  if (unfreezeAfter === null) return warmed;
  // What was frozen is good already: small steps.
  return (at) => warmed(at) * (at.step < unfreezeAfter * at.stepsPerEpoch ? 1 : 0.1);
}
