// How far values are from the right ones.

import { maximum, sub } from '../ops/elementwise.js';
import { mean, sum } from '../ops/reduction.js';
import { reshape } from '../ops/shape.js';
import type { Metric } from './metric.js';

/** The mean of |value − target| over an example's values, float32 [batch, values]. */
export function absoluteError(): Metric {
  return (values, targets) => {
    const shaped = reshape(targets, values.shape);
    const axes = values.shape.map((_, i) => i).slice(1);
    const error = maximum(sub(values, shaped), sub(shaped, values));
    return sum(axes.length > 0 ? mean(error, axes) : error);
  };
}
