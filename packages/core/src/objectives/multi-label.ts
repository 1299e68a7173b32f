// Any of several labels, each of which is there or not.

import { sigmoidCrossEntropy } from '../losses/sigmoid-cross-entropy.js';
import { labelAccuracy } from '../metrics/label-accuracy.js';
import { cast, greater, sigmoid } from '../ops/elementwise.js';
import { type Objective, requireValues } from './objective.js';

/** Sigmoid cross-entropy over logits [batch, labels] and 0 or 1 for each label, float32; a label is there above a score of ½. */
export function multiLabel(): Objective {
  return {
    task: 'multilabel',
    loss: sigmoidCrossEntropy(),
    metrics: { accuracy: labelAccuracy() },
    answer: (logits) => cast(greater(logits, 0), 'int32'),
    gives: { kind: 'scores', of: sigmoid },
    requireFits: (output, labels) => requireValues('multiLabel', output, labels),
  };
}
