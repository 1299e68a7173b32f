// What is learned: the loss, the metrics, and what the network's output means.

import type { Loss } from '../losses/loss.js';
import type { Metric } from '../metrics/metric.js';
import type { OutputKind } from '../signature.js';
import type { Spec } from '../spec.js';
import type { Tensor } from '../tensor.js';

/** One class of several, any of several labels, or numbers. */
export type Task = 'classify' | 'multilabel' | 'regress';

export interface Objective {
  readonly task: Task;
  readonly loss: Loss;
  /** By name; the first is the one that runs are compared by. */
  readonly metrics: Readonly<Record<string, Metric>>;
  /**
   * What the network's output [batch, …] says: a class index int32 [batch], a 0 or 1 int32 [batch, labels], or the values
   * themselves.
   */
  answer(output: Tensor): Tensor;
  /** What people want of the output, and what an exported model gives: e.g. the softmax of logits. */
  readonly gives: { readonly kind: Exclude<OutputKind, 'logits'>; of(output: Tensor): Tensor };
  /**
   * @param output spec of the network's output for a batch
   * @param labels spec of one example's label
   * @throws `shape` if the network cannot learn such labels, saying what it should end in
   */
  requireFits(output: Spec, labels: Spec): void;
}
