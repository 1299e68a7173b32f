// Adam (Kingma and Ba, 2015) and AdamW (Loshchilov and Hutter, 2019).

import { add, div, mul, sqrt, sub, tanh } from '../ops/elementwise.js';
import { requireOptions } from '../options.js';
import type { Tensor } from '../tensor.js';
import { type Optimizer, requireRange } from './optimizer.js';

export interface AdamOptions {
  /** Decay of the first moment; default 0.9. */
  beta1?: number | undefined;
  /** Decay of the second moment; default 0.999. */
  beta2?: number | undefined;
  /** Added to the root of the second moment; default 1e-8. */
  epsilon?: number | undefined;
  /** Added to the gradient as weightDecay · parameter (L2); default 0. */
  weightDecay?: number | undefined;
}

/** Adam with PyTorch's defaults and form. */
export function adam(options: AdamOptions = {}): Optimizer {
  return momentOptimizer('adam', options, 0);
}

/** Adam with decoupled weight decay: parameter · (1 − learningRate · weightDecay) first; default weightDecay 0.01. */
export function adamW(options: AdamOptions = {}): Optimizer {
  return momentOptimizer('adamW', options, 0.01);
}

function momentOptimizer(name: 'adam' | 'adamW', options: AdamOptions, defaultDecay: number): Optimizer {
  requireOptions(name, options, 'beta1 beta2 epsilon weightDecay');
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = defaultDecay } = options;
  requireRange('weightDecay', weightDecay, 0);
  requireRange('beta1', beta1, 0, 1);
  requireRange('beta2', beta2, 0, 1);
  requireRange('epsilon', epsilon, 0);
  return {
    slots: ['mean', 'square'],
    update(parameter, gradient, { learningRate, step, slots }) {
      const isDecoupled = name === 'adamW';
      const g = isDecoupled || weightDecay === 0 ? gradient : add(gradient, mul(parameter, weightDecay));
      const mean = add(mul(slots.mean!, beta1), mul(g, 1 - beta1));
      const square = add(mul(slots.square!, beta2), mul(mul(g, g), 1 - beta2));
      const root = sqrt(div(square, bias(beta2, step)));
      const direction = div(div(mean, bias(beta1, step)), add(root, epsilon));
      const from = isDecoupled ? sub(parameter, mul(parameter, mul(learningRate, weightDecay))) : parameter;
      return { parameter: sub(from, mul(direction, learningRate)), slots: { mean, square } };
    },
  };
}

// 1 − βᵗ = 1 − exp(−2u) with u = −t·ln(β)/2, written as 2·tanh(u) / (1 + tanh(u)), which keeps its digits for small u.
function bias(beta: number, step: Tensor): Tensor | number {
  if (beta === 0) return 1;
  const t = tanh(mul(step, -Math.log(beta) / 2));
  return div(mul(t, 2), add(t, 1));
}
