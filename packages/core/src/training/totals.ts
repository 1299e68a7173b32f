// Sums over the examples of an epoch, and their means.

import type { Position } from './checkpoint.js';
import type { Metrics } from './events.js';
import type { StepResult } from './step-runner.js';

/** Sums over examples: of the loss, and of each metric by name. */
export type Sums = Position['sums'];

/** The sums with those of one more batch. */
export function withBatch(before: Sums, { loss, sums }: StepResult, examples: number): Sums {
  const added = Object.entries({ ...sums, loss: loss * examples });
  return Object.fromEntries(added.map(([name, sum]) => [name, (before[name] ?? 0) + sum]));
}

export function meansOf(sums: Sums, examples: number): Metrics {
  const means = Object.entries(sums).map(([name, sum]) => [name, sum / examples]);
  const { loss = 0, ...metrics } = Object.fromEntries(means) as Record<string, number>;
  return { loss, metrics };
}

/** An epoch's sums before its first step. */
export const nothingYet = { sums: {}, examples: 0, seconds: 0, waited: 0 };
