// Activation functions as layers.

import * as ops from '../ops/index.js';
import type { Layer } from '../scope.js';

/** 1 / (1 + exp(−x)). */
export function sigmoid(): Layer {
  return (x) => ops.sigmoid(x);
}

/** max(x, 0). */
export function relu(): Layer {
  return (x) => ops.relu(x);
}

export function tanh(): Layer {
  return (x) => ops.tanh(x);
}

/** x·Φ(x), the exact form. */
export function gelu(): Layer {
  return (x) => ops.gelu(x);
}

/** exp(x) / Σ exp(x) along `axis`, default the last. (Losses take logits: no softmax before them.) */
export function softmax(axis = -1): Layer {
  return (x) => ops.softmax(x, axis);
}
