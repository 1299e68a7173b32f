// Dropout (Srivastava et al., 2014), and stochastic depth (Huang et al., 2016).

import { cast, less, mul } from '../ops/elementwise.js';
import { requireBelow } from '../options.js';
import type { Layer } from '../scope.js';
import { staticShape } from '../spec.js';

/**
 * In training sets a share `rate` (0 ≤ rate < 1) of the values to zero and scales the rest by 1 / (1 − rate); in
 * prediction does nothing. The random numbers come from the run's seed and are the same on every backend.
 */
export function dropout(rate: number): Layer {
  return dropping('dropout', rate, (shape) => shape);
}

/**
 * Dropout of whole examples: before the sum with a shortcut, a share `rate` of the examples goes through the shortcut alone.
 * The others are scaled by 1 / (1 − rate).
 */
export function stochasticDepth(rate: number): Layer {
  return dropping('stochasticDepth', rate, ([batch, ...shape]) => [batch!, ...shape.map(() => 1)]);
}

/** @param maskShape of the values that are kept or dropped, which broadcasts to that of the input */
function dropping(name: string, rate: number, maskShape: (shape: readonly number[]) => readonly number[]): Layer {
  requireBelow(`${name}: rate`, rate, 1);
  return (x, scope) => {
    if (!scope.training || rate === 0) return x;
    const kept = less(scope.random(maskShape(staticShape(x.shape, name))), 1 - rate);
    return mul(x, mul(cast(kept, 'float32'), 1 / (1 - rate)));
  };
}
