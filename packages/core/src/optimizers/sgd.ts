// Stochastic gradient descent.

import { BnError } from '../errors.js';
import { add, mul, sub } from '../ops/elementwise.js';
import { requireOptions } from '../options.js';
import { type Optimizer, requireRange, type Update } from './optimizer.js';

export interface SgdOptions {
  /** Share of the velocity that is kept; default 0, plain gradient descent. */
  momentum?: number | undefined;
  /** Look ahead along the velocity (Nesterov); needs momentum. */
  nesterov?: boolean | undefined;
  /** Added to the gradient as weightDecay · parameter (L2); default 0. */
  weightDecay?: number | undefined;
}

/** velocity = momentum · velocity + gradient; parameter −= learningRate · velocity: PyTorch's form. */
export function sgd(options: SgdOptions = {}): Optimizer {
  requireOptions('sgd', options, 'momentum nesterov weightDecay');
  const { momentum = 0, nesterov = false, weightDecay = 0 } = options;
  requireRange('momentum', momentum, 0, 1);
  requireRange('weightDecay', weightDecay, 0);
  if (nesterov && momentum === 0) throw new BnError('argument', 'nesterov needs a momentum above 0, e.g. 0.9');
  return {
    slots: momentum === 0 ? [] : ['velocity'],
    update(parameter, gradient, { learningRate, slots }): Update {
      const decayed = weightDecay === 0 ? gradient : add(gradient, mul(parameter, weightDecay));
      if (momentum === 0) return { parameter: sub(parameter, mul(decayed, learningRate)), slots: {} };
      const velocity = add(mul(slots.velocity!, momentum), decayed);
      const direction = nesterov ? add(decayed, mul(velocity, momentum)) : velocity;
      return { parameter: sub(parameter, mul(direction, learningRate)), slots: { velocity } };
    },
  };
}
