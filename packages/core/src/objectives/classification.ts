// One class of several.

import { BnError } from '../errors.js';
import { type SoftmaxCrossEntropyOptions, softmaxCrossEntropy } from '../losses/softmax-cross-entropy.js';
import { accuracy } from '../metrics/accuracy.js';
import type { Metric } from '../metrics/metric.js';
import { softmax } from '../ops/fused.js';
import { argmax } from '../ops/reduction.js';
import { formatShape } from '../spec.js';
import type { Objective } from './objective.js';

export interface ClassificationOptions extends SoftmaxCrossEntropyOptions {
  /** Default `{ accuracy: accuracy() }`. */
  metrics?: Readonly<Record<string, Metric>> | undefined;
}

/** Softmax cross-entropy over logits [batch, classes] and class indices int32 [batch]; the answer is the class of the highest. */
export function classification(options: ClassificationOptions = {}): Objective {
  const { metrics = { accuracy: accuracy() }, ...lossOptions } = options;
  return {
    task: 'classify',
    loss: softmaxCrossEntropy(lossOptions),
    metrics,
    answer: (logits) => argmax(logits, 1),
    gives: { kind: 'probabilities', of: (logits) => softmax(logits, 1) },
    requireFits({ shape }, labels) {
      if (labels.dtype !== 'int32' || labels.shape.length > 0) {
        throw new BnError('shape', 'classification: expected one class index per example, int32 []');
      }
      if (shape.length === 2 && shape[1] !== null) return;
      const seen = `the network gives ${formatShape(shape)}, expected [batch, classes]`;
      throw new BnError('shape', `${seen}; let it end in flatten() and dense(classes)`);
    },
  };
}
