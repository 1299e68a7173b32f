// Activation functions as layers.

import { gelu as geluOf } from '../ops/composed.js';
import { sigmoid as sigmoidOf, tanh as tanhOf } from '../ops/elementwise.js';
import { relu as reluOf, softmax as softmaxOf } from '../ops/fused.js';
import type { Layer } from '../scope.js';

/** 1 / (1 + exp(−x)). */
export function sigmoid(): Layer {
  return (x) => sigmoidOf(x);
}

/** max(x, 0). */
export function relu(): Layer {
  return (x) => reluOf(x);
}

export function tanh(): Layer {
  return (x) => tanhOf(x);
}

/** x·Φ(x), the exact form. */
export function gelu(): Layer {
  return (x) => geluOf(x);
}

/** exp(x) / Σ exp(x) along `axis`, default the last. (Losses take logits: no softmax before them.) */
export function softmax(axis = -1): Layer {
  return (x) => softmaxOf(x, axis);
}
