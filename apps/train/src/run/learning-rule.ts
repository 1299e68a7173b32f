// The optimizer and the learning rate schedule that the settings name.

import {
  adam,
  adamW,
  constantSchedule,
  cosineSchedule,
  linearWarmup,
  type Optimizer,
  rmsprop,
  type Schedule,
  sgd,
  stepSchedule,
} from '@bn/core';
import type { RunConfig } from '../config/settings.js';

export function optimizerOf(config: Pick<RunConfig, 'optimizer' | 'momentum' | 'weightDecay'>): Optimizer {
  const momentum = config.momentum === null ? {} : { momentum: config.momentum };
  const weightDecay = config.weightDecay === null ? {} : { weightDecay: config.weightDecay };
  switch (config.optimizer) {
    case 'sgd':
      return sgd({ ...momentum, ...weightDecay });
    case 'adam':
      return adam(weightDecay);
    case 'adamw':
      return adamW(weightDecay);
    case 'rmsprop':
      return rmsprop({ ...momentum, ...weightDecay });
  }
}

export function scheduleOf(config: Pick<RunConfig, 'schedule' | 'warmupEpochs' | 'epochs'>): Schedule {
  const schedules: Record<RunConfig['schedule'], () => Schedule> = {
    constant: () => constantSchedule(),
    step: () => stepSchedule({ every: Math.ceil(config.epochs / 3), factor: 0.1 }),
    cosine: () => cosineSchedule(),
  };
  const schedule = schedules[config.schedule]();
  return config.warmupEpochs > 0 ? linearWarmup({ epochs: config.warmupEpochs }, schedule) : schedule;
}
