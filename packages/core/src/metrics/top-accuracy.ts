// The share of examples whose class is among the best answers.

import { oneHot } from '../ops/composed.js';
import { cast, greater, less, mul } from '../ops/elementwise.js';
import { sum } from '../ops/reduction.js';
import type { Metric } from './metric.js';

/** Of scores [batch, classes] and class indices int32 [batch]: how often fewer than `count` classes score higher. */
export function topAccuracy(count: number): Metric {
  return (scores, labels) => {
    const own = sum(mul(scores, oneHot(labels, scores.shape[1]!)), [1], { keepDims: true });
    const higher = sum(cast(greater(scores, own), 'int32'), [1]);
    return sum(cast(less(higher, count), 'int32'));
  };
}
