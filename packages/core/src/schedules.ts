// Learning rate schedules: a factor for the base learning rate at each step. The rate is an input of the step's
// graph, so changing it compiles nothing.

import { BnError } from './errors.js';
import { requireOptions } from './options.js';

/** Where in the training a step is. Steps count from 0. */
export interface SchedulePosition {
  readonly step: number;
  readonly totalSteps: number;
  readonly stepsPerEpoch: number;
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
  return ({ step, totalSteps, stepsPerEpoch }) => {
    const warm = Math.round(epochs * stepsPerEpoch);
    if (step < warm) return (step + 1) / warm;
    return then({ step: step - warm, totalSteps: Math.max(1, totalSteps - warm), stepsPerEpoch });
  };
}
