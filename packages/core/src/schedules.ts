// Learning rate schedules: a factor for the base learning rate at each step. The rate is an input of the step's
// graph, so changing it compiles nothing.

import { BnError } from './errors.js';
import { requireOptions } from './options.js';

/** Where in the training a step is. Steps count from 0. */
export interface SchedulePosition {
  readonly step: number;
  readonly totalSteps: number;
  readonly stepsPerEpoch: number;
  /** What was said of the epochs so far on the validation data, the lower the better; absent without such data. */
  readonly scores?: readonly number[] | undefined;
}

export type Schedule = (at: SchedulePosition) => number;

/** 1 throughout. */
export function constantSchedule(): Schedule {
  return () => 1;
}

/** Multiplied by `factor` after every `every` epochs. */
export function stepSchedule(options: { every: number; factor?: number | undefined }): Schedule {
  requireOptions('stepSchedule', options, 'every factor');
  const { every, factor = 0.1 } = options;
  if (!(every > 0 && factor > 0)) {
    throw new BnError('argument', `stepSchedule: every and factor must be above 0, got ${every} and ${factor}`);
  }
  return ({ step, stepsPerEpoch }) => factor ** Math.floor(step / stepsPerEpoch / every);
}

/** From 1 to `final` along half a cosine (Loshchilov and Hutter, 2017); `final` default 0. */
export function cosineSchedule(options: { final?: number | undefined } = {}): Schedule {
  requireOptions('cosineSchedule', options, 'final');
  const { final = 0 } = options;
  return ({ step, totalSteps }) => final + ((1 - final) * (1 + Math.cos((Math.PI * step) / totalSteps))) / 2;
}

/** Rises in a straight line to 1 over the first `epochs`, then follows `then` over the rest (default: constant). */
export function linearWarmup(options: { epochs: number }, then: Schedule = constantSchedule()): Schedule {
  requireOptions('linearWarmup', options, 'epochs');
  const { epochs } = options;
  if (!(epochs > 0)) throw new BnError('argument', `linearWarmup: epochs must be above 0, got ${epochs}`);
  return (at) => {
    const warm = Math.round(epochs * at.stepsPerEpoch);
    if (at.step < warm) return (at.step + 1) / warm;
    return then({ ...at, step: at.step - warm, totalSteps: Math.max(1, at.totalSteps - warm) });
  };
}

/**
 * One cycle (Smith and Topin, 2018) in PyTorch's form: along half a cosine from `initial` (default 1/25) to 1 over the first
 * `rise` (default 0.3) of all steps, then down to `final` (default 1/250,000).
 */
export function oneCycleSchedule(
  options: { rise?: number | undefined; initial?: number | undefined; final?: number | undefined } = {},
): Schedule {
  requireOptions('oneCycleSchedule', options, 'rise initial final');
  const { rise = 0.3, initial = 1 / 25, final = initial / 10_000 } = options;
  if (!(rise >= 0 && rise <= 1))
    throw new BnError('argument', `oneCycleSchedule: rise must be from 0 to 1, got ${rise}`);
  const between = (from: number, to: number, share: number) => to + ((from - to) * (1 + Math.cos(Math.PI * share))) / 2;
  return ({ step, totalSteps }) => {
    const top = rise * totalSteps - 1;
    if (step <= top && top > 0) return between(initial, 1, step / top);
    return between(1, final, (step - top) / (totalSteps - 1 - top));
  };
}

/**
 * Multiplied by `factor` (default 0.1) when more than `patience` (default 10) epochs in a row were no better on the validation
 * data than the best one, by more than its share `threshold` (default 1e-4): PyTorch's `ReduceLROnPlateau`.
 */
export function plateauSchedule(
  options: { factor?: number | undefined; patience?: number | undefined; threshold?: number | undefined } = {},
): Schedule {
  requireOptions('plateauSchedule', options, 'factor patience threshold');
  const { factor = 0.1, patience = 10, threshold = 1e-4 } = options;
  if (!(factor > 0 && factor < 1 && patience >= 0 && threshold >= 0)) {
    const expected = 'factor must be between 0 and 1, patience and threshold at least 0';
    throw new BnError('argument', `plateauSchedule: ${expected}, got ${factor}, ${patience} and ${threshold}`);
  }
  return ({ scores }) => {
    if (!scores) throw new BnError('argument', 'plateauSchedule looks at the scores of epochs: give validation data');
    let [rate, best, waited] = [1, Number.POSITIVE_INFINITY, 0];
    for (const score of scores) {
      const isBetter = best === Number.POSITIVE_INFINITY || score < best - threshold * Math.abs(best);
      if (isBetter) best = score;
      waited = isBetter ? 0 : waited + 1;
      if (waited <= patience) continue;
      rate *= factor;
      waited = 0;
    }
    return rate;
  };
}
