// Adam (Kingma and Ba, 2015) and AdamW (Loshchilov and Hutter, 2019).

import { add, div, mul, sqrt, tanh } from '../ops/elementwise.js';
import { requireOptions } from '../options.js';
import type { Tensor } from '../tensor.js';
import { decayedGradient, decayOf, type Optimizer, perParameter, requireRange, type WeightDecay } from './optimizer.js';

export interface AdamOptions extends WeightDecay {
  /** Decay of the first moment; default 0.9. */
  beta1?: number | undefined;
  /** Decay of the second moment; default 0.999. */
  beta2?: number | undefined;
  /** Added to the root of the second moment; default 1e-8. */
  epsilon?: number | undefined;
}

/** Adam with PyTorch's defaults and form. Weight decay is added to the gradient (L2). */
export function adam(options: AdamOptions = {}): Optimizer {
  return momentOptimizer('adam', options, 0);
}

/** Adam with decoupled weight decay: parameter −= learningRate · (direction + weightDecay · parameter); default weightDecay 0.01. */
export function adamW(options: AdamOptions = {}): Optimizer {
  return momentOptimizer('adamW', options, 0.01);
}

function momentOptimizer(name: 'adam' | 'adamW', options: AdamOptions, defaultDecay: number): Optimizer {
  requireOptions(name, options, 'beta1 beta2 epsilon weightDecay decayAll');
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = defaultDecay } = options;
  requireRange('weightDecay', weightDecay, 0);
  requireRange('beta1', beta1, 0, 1);
  requireRange('beta2', beta2, 0, 1);
  requireRange('epsilon', epsilon, 0);
  const decay = { ...options, weightDecay };
  return perParameter(['mean', 'square'], (parameter, { learningRate, step }) => {
    const { value, slots } = parameter;
    const isDecoupled = name === 'adamW';
    const gradient = isDecoupled ? parameter.gradient : decayedGradient(parameter, decay);
    const mean = add(mul(slots.mean!, beta1), mul(gradient, 1 - beta1));
    const square = add(mul(slots.square!, beta2), mul(mul(gradient, gradient), 1 - beta2));
    const root = sqrt(div(square, bias(beta2, step)));
    const change = mul(div(div(mean, bias(beta1, step)), add(root, epsilon)), learningRate);
    const pull = isDecoupled ? decayOf(parameter, decay) : 0;
    const decayed = pull === 0 ? change : add(change, mul(value, mul(learningRate, pull)));
    return { change: decayed, slots: { mean, square } };
  });
}

// 1 − βᵗ = 1 − exp(−2u) with u = −t·ln(β)/2, written as 2·tanh(u) / (1 + tanh(u)), which keeps its digits for small u.
function bias(beta: number, step: Tensor): Tensor | number {
  if (beta === 0) return 1;
  const t = tanh(mul(step, -Math.log(beta) / 2));
  return div(mul(t, 2), add(t, 1));
}
