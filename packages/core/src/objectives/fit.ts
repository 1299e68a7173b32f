// Whether a network gives as many values as the labels hold.

import { BnError } from '../errors.js';
import { formatShape, formatSpec, type Spec, sizeOf } from '../spec.js';

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
