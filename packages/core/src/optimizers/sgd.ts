// Stochastic gradient descent.

import { BnError } from '../errors.js';
import { add, mul } from '../ops/elementwise.js';
import { requireOptions } from '../options.js';
import {
  decayedGradient,
  type Optimizer,
  perParameter,
  requireRange,
  type Update,
  type WeightDecay,
} from './optimizer.js';

export interface SgdOptions extends WeightDecay {
  /** Share of the velocity that is kept; default 0, plain gradient descent. */
  momentum?: number | undefined;
  /** Look ahead along the velocity (Nesterov); needs momentum. */
  nesterov?: boolean | undefined;
}

/** velocity = momentum · velocity + gradient; parameter −= learningRate · velocity: PyTorch's form. */
export function sgd(options: SgdOptions = {}): Optimizer {
  requireOptions('sgd', options, 'momentum nesterov weightDecay decayAll');
  const { momentum = 0, nesterov = false, weightDecay = 0 } = options;
  requireRange('momentum', momentum, 0, 1);
  requireRange('weightDecay', weightDecay, 0);
  if (nesterov && momentum === 0) throw new BnError('argument', 'nesterov needs a momentum above 0, e.g. 0.9');
  return perParameter(momentum === 0 ? [] : ['velocity'], (parameter, { learningRate }): Update => {
    const gradient = decayedGradient(parameter, options);
    if (momentum === 0) return { change: mul(gradient, learningRate), slots: {} };
    const velocity = add(mul(parameter.slots.velocity!, momentum), gradient);
    const direction = nesterov ? add(gradient, mul(velocity, momentum)) : velocity;
    return { change: mul(direction, learningRate), slots: { velocity } };
  });
}
