// The share of right answers where each example has several labels.

import { cast, equal, greater } from '../ops/elementwise.js';
import { mean, sum } from '../ops/reduction.js';
import type { Metric } from './metric.js';

/** Of logits [batch, labels] and 0 or 1 of the same shape: how many labels are told right (1 where the logit is above 0). */
export function labelAccuracy(): Metric {
  return (logits, labels) => sum(mean(cast(equal(cast(greater(logits, 0), 'float32'), labels), 'float32'), [1]));
}
