// RMSProp (Hinton, 2012).

import { add, div, mul, sqrt, sub } from '../ops/elementwise.js';
import { requireOptions } from '../options.js';
import { type Optimizer, requireRange, type Update } from './optimizer.js';

export interface RmspropOptions {
  /** Decay of the mean square; default 0.99. */
  decay?: number | undefined;
  /** Added to the root of the mean square; default 1e-8. */
  epsilon?: number | undefined;
  /** Share of the velocity that is kept; default 0. */
  momentum?: number | undefined;
  /** Added to the gradient as weightDecay · parameter (L2); default 0. */
  weightDecay?: number | undefined;
}

/** Gradients divided by the root of their mean square, with PyTorch's defaults and form. */
export function rmsprop(options: RmspropOptions = {}): Optimizer {
  requireOptions('rmsprop', options, 'decay epsilon momentum weightDecay');
  const { decay = 0.99, epsilon = 1e-8, momentum = 0, weightDecay = 0 } = options;
  requireRange('decay', decay, 0, 1);
  requireRange('epsilon', epsilon, 0);
  requireRange('momentum', momentum, 0, 1);
  requireRange('weightDecay', weightDecay, 0);
  return {
    slots: momentum === 0 ? ['square'] : ['square', 'velocity'],
    update(parameter, gradient, { learningRate, slots }): Update {
      const decayed = weightDecay === 0 ? gradient : add(gradient, mul(parameter, weightDecay));
      const square = add(mul(slots.square!, decay), mul(mul(decayed, decayed), 1 - decay));
      const scaled = div(decayed, add(sqrt(square), epsilon));
      if (momentum === 0) return { parameter: sub(parameter, mul(scaled, learningRate)), slots: { square } };
      const velocity = add(mul(slots.velocity!, momentum), scaled);
      return { parameter: sub(parameter, mul(velocity, learningRate)), slots: { square, velocity } };
    },
  };
}
