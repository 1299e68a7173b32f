// Averages of what is learned, over the steps of a training: they predict, while training goes on with the values themselves.

import { BnError } from '../errors.js';
import { requireRange } from '../optimizers/optimizer.js';
import { requireOptions } from '../options.js';
import type { SchedulePosition } from '../schedules.js';

export interface Average {
  /** Share of the new values in the average after a step: 1 takes them, 0 leaves the average as it is. */
  readonly weight: (at: SchedulePosition) => number;
  /** Whether `fit` recomputes the running statistics under averaged weights before it evaluates, as their own average is not of them. */
  readonly recalibrates: boolean;
}

/**
 * The exponential moving average: average = decay · average + (1 − decay) · value, also of running statistics. With n steps before,
 * the decay is at most (1 + n) / (10 + n), and 0 at the first: so that the average follows the fast beginning.
 *
 * @throws `argument` unless 0 ≤ decay < 1; default 0.999
 */
export function ema(options: { decay?: number | undefined } = {}): Average {
  requireOptions('ema', options, 'decay');
  const { decay = 0.999 } = options;
  requireRange('decay', decay, 0, 1);
  return {
    weight: ({ step }) => (step === 0 ? 1 : 1 - Math.min(decay, (1 + step) / (10 + step))),
    recalibrates: false,
  };
}

/**
 * Stochastic weight averaging (Izmailov et al., 2018): the mean of the values at the end of each epoch, from the share `start` of
 * all epochs on (default 0.75). Running statistics are recomputed for it.
 *
 * @throws `argument` unless 0 ≤ start < 1
 */
export function swa(options: { start?: number | undefined } = {}): Average {
  requireOptions('swa', options, 'start');
  const { start = 0.75 } = options;
  requireRange('start', start, 0, 1);
  return {
    weight({ step, totalSteps, stepsPerEpoch }) {
      if (!Number.isFinite(stepsPerEpoch)) {
        throw new BnError('argument', 'swa averages at the end of epochs, and there are none here; use fit, or ema');
      }
      const before = Math.floor(step / stepsPerEpoch) - Math.floor((start * totalSteps) / stepsPerEpoch);
      if (before <= 0) return 1;
      return (step + 1) % stepsPerEpoch === 0 ? 1 / (before + 1) : 0;
    },
    recalibrates: true,
  };
}
