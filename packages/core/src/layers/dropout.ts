// Dropout (Srivastava et al., 2014).

import { cast, less, mul } from '../ops/elementwise.js';
import { requireBelow } from '../options.js';
import type { Layer } from '../scope.js';
import { staticShape } from '../spec.js';

/**
 * In training sets a share `rate` (0 ≤ rate < 1) of the values to zero and scales the rest by 1 / (1 − rate); in
 * prediction does nothing. The random numbers come from the run's seed and are the same on every backend.
 */
export function dropout(rate: number): Layer {
  requireBelow('dropout: rate', rate, 1);
  return (x, scope) => {
    if (!scope.training || rate === 0) return x;
    const kept = less(scope.random(staticShape(x.shape, 'dropout')), 1 - rate);
    return mul(x, mul(cast(kept, 'float32'), 1 / (1 - rate)));
  };
}
