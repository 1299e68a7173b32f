// What is learned: the loss, the metrics, and what the network's output means.

import { BnError } from '../errors.js';
import type { Loss } from '../losses/loss.js';
import type { Metric } from '../metrics/metric.js';
import type { OutputKind } from '../signature.js';
import { formatShape, formatSpec, type Spec, sizeOf } from '../spec.js';
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

/** @throws `shape` unless both are float32, with as many values for each example */
export function requireValues(objective: string, output: Spec, labels: Spec): void {
  if (labels.dtype !== 'float32') {
    throw new BnError('shape', `${objective}: expected float32 labels, got ${formatSpec(labels)}`);
  }
  const wanted = sizeOf(labels.shape);
  if (output.shape.length === 2 && output.shape[1] === wanted) return;
  const seen = `the network gives ${formatShape(output.shape)}, expected [batch, ${wanted}]`;
  throw new BnError('shape', `${seen} for labels of ${wanted} value(s); let it end in flatten() and dense(${wanted})`);
}
