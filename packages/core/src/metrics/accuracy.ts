// The share of right answers.

import { cast, equal } from '../ops/elementwise.js';
import { argmax, sum } from '../ops/reduction.js';
import type { Metric } from './metric.js';

/** Of scores [batch, classes] and class indices int32 [batch]: how often the highest score is that of the class. */
export function accuracy(): Metric {
  return (scores, labels) => sum(cast(equal(argmax(scores, 1), labels), 'int32'));
}
