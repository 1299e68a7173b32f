// What right and wrong answers say where each example has several labels.

import { type Confusion, type Measures, measure, summarize } from './confusion.js';

/**
 * Measures of each label, and their mean over the labels that occur; `accuracy` is the share of labels told right.
 *
 * @param targets 0 or 1, `labels` for each example
 * @param answers 0 or 1, likewise
 */
export function measureLabels(targets: ArrayLike<number>, answers: ArrayLike<number>, labels: number): Measures {
  const counts = Array.from({ length: labels }, () => [
    [0, 0],
    [0, 0],
  ]);
  for (let i = 0; i < targets.length; i++) counts[i % labels]![targets[i]!]![answers[i]!]!++;
  const each = counts.map((confusion: Confusion) => measure(confusion).classes[1]!);
  const right = counts.reduce((sum, [absent, present]) => sum + absent![0]! + present![1]!, 0);
  return summarize(each, right / targets.length);
}
