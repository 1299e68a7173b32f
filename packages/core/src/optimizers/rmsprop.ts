// RMSProp (Hinton, 2012).

import { add, div, mul, sqrt } from '../ops/elementwise.js';
import { requireOptions } from '../options.js';
import {
  decayedGradient,
  type Optimizer,
  perParameter,
  requireRange,
  type Update,
  type WeightDecay,
} from './optimizer.js';

export interface RmspropOptions extends WeightDecay {
  /** Decay of the mean square; default 0.99. */
  decay?: number | undefined;
  /** Added to the root of the mean square; default 1e-8. */
  epsilon?: number | undefined;
  /** Share of the velocity that is kept; default 0. */
  momentum?: number | undefined;
}

/** Gradients divided by the root of their mean square, with PyTorch's defaults and form. */
export function rmsprop(options: RmspropOptions = {}): Optimizer {
  requireOptions('rmsprop', options, 'decay epsilon momentum weightDecay decayAll');
  const { decay = 0.99, epsilon = 1e-8, momentum = 0, weightDecay = 0 } = options;
  requireRange('decay', decay, 0, 1);
  requireRange('epsilon', epsilon, 0);
  requireRange('momentum', momentum, 0, 1);
  requireRange('weightDecay', weightDecay, 0);
  return perParameter(momentum === 0 ? ['square'] : ['square', 'velocity'], (parameter, { learningRate }): Update => {
    const { slots } = parameter;
    const gradient = decayedGradient(parameter, options);
    const square = add(mul(slots.square!, decay), mul(mul(gradient, gradient), 1 - decay));
    const scaled = div(gradient, add(sqrt(square), epsilon));
    if (momentum === 0) return { change: mul(scaled, learningRate), slots: { square } };
    const velocity = add(mul(slots.velocity!, momentum), scaled);
    return { change: mul(velocity, learningRate), slots: { square, velocity } };
  });
}
