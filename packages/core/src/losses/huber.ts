// A loss of regression that outliers pull at less.

import { BnError } from '../errors.js';
import { square } from '../ops/composed.js';
import { less, maximum, mul, neg, sub, where } from '../ops/elementwise.js';
import { mean } from '../ops/reduction.js';
import { requireOptions } from '../options.js';
import type { Loss } from './loss.js';
import { differences } from './mean-squared-error.js';

/**
 * ½d² where |d| < delta, else delta·(|d| − ½·delta), averaged over all values (Huber, 1964; PyTorch's HuberLoss). Labels as
 * for `meanSquaredError`.
 */
export function huber(options: { delta?: number | undefined } = {}): Loss {
  requireOptions('huber', options, 'delta');
  const { delta = 1 } = options;
  if (!(delta > 0 && delta < Infinity)) throw new BnError('argument', `huber: delta must be above 0, got ${delta}`);
  return (prediction, labels) => {
    const d = differences('huber', prediction, labels);
    const magnitude = maximum(d, neg(d));
    return mean(where(less(magnitude, delta), mul(square(d), 0.5), mul(sub(magnitude, delta / 2), delta)));
  };
}
