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

/** min(max(x, 0), 6) (Krizhevsky, 2010). */
export function relu6(): Layer {
  return (x) => ops.minimum(ops.relu(x), 6);
}

/** x·sigmoid(x), also called swish (Elfwing et al., 2017; Ramachandran et al., 2017). */
export function silu(): Layer {
  return (x) => ops.mul(x, ops.sigmoid(x));
}

/** min(max(x + 3, 0), 6) / 6: sigmoid in three straight pieces (Howard et al., 2019, MobileNet V3). */
export function hardSigmoid(): Layer {
  return (x) => ops.mul(ops.minimum(ops.relu(ops.add(x, 3)), 6), 1 / 6);
}

/** x·hardSigmoid(x) (Howard et al., 2019, MobileNet V3). */
export function hardSwish(): Layer {
  const gate = hardSigmoid();
  return (x, scope) => ops.mul(x, gate(x, scope));
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
