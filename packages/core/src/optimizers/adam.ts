// Adam (Kingma and Ba, 2015) and AdamW (Loshchilov and Hutter, 2019).

import { add, div, mul, sqrt, sub, tanh } from '../ops/elementwise.js';
import { requireOptions } from '../options.js';
import type { Tensor } from '../tensor.js';
import { type Optimizer, requireRange } from './optimizer.js';

export interface AdamOptions {
  /** Decay of the first moment; default 0.9. */
  beta1?: number;
  /** Decay of the second moment; default 0.999. */
  beta2?: number;
  /** Added to the root of the second moment; default 1e-8. */
  epsilon?: number;
  /** Added to the gradient as weightDecay · parameter (L2); default 0. */
  weightDecay?: number;
}

/** Adam with PyTorch's defaults and form. */
export function adam(options: AdamOptions = {}): Optimizer {
  const rule = momentRule('adam', options);
  const { weightDecay = 0 } = options;
  return {
    slots: ['mean', 'square'],
    update(parameter, gradient, { learningRate, step, slots }) {
      const decayed = weightDecay === 0 ? gradient : add(gradient, mul(parameter, weightDecay));
      const { direction, slots: next } = rule(decayed, slots, step);
      return { parameter: sub(parameter, mul(direction, learningRate)), slots: next };
    },
  };
}

/** Adam with decoupled weight decay: parameter · (1 − learningRate · weightDecay) first; default weightDecay 0.01. */
export function adamW(options: AdamOptions = {}): Optimizer {
  const rule = momentRule('adamW', options);
  const { weightDecay = 0.01 } = options;
  return {
    slots: ['mean', 'square'],
    update(parameter, gradient, { learningRate, step, slots }) {
      const { direction, slots: next } = rule(gradient, slots, step);
      const shrunk = sub(parameter, mul(parameter, mul(learningRate, weightDecay)));
      return { parameter: sub(shrunk, mul(direction, learningRate)), slots: next };
    },
  };
}

function momentRule(name: string, options: AdamOptions) {
  requireOptions(name, options, 'beta1 beta2 epsilon weightDecay');
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0 } = options;
  requireRange('weightDecay', weightDecay, 0);
  requireRange('beta1', beta1, 0, 1);
  requireRange('beta2', beta2, 0, 1);
  requireRange('epsilon', epsilon, 0);
  return (gradient: Tensor, slots: Readonly<Record<string, Tensor>>, step: Tensor) => {
    const mean = add(mul(slots.mean!, beta1), mul(gradient, 1 - beta1));
    const square = add(mul(slots.square!, beta2), mul(mul(gradient, gradient), 1 - beta2));
    const root = sqrt(div(square, bias(beta2, step)));
    return { direction: div(div(mean, bias(beta1, step)), add(root, epsilon)), slots: { mean, square } };
  };
}

// 1 − βᵗ = 1 − exp(−2u) with u = −t·ln(β)/2, written as 2·tanh(u) / (1 + tanh(u)), which keeps its digits for small u.
function bias(beta: number, step: Tensor): Tensor | number {
  if (beta === 0) return 1;
  const t = tanh(mul(step, -Math.log(beta) / 2));
  return div(mul(t, 2), add(t, 1));
}
