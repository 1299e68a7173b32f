// The loss of classification.

import { BnError } from '../errors.js';
import { oneHot } from '../ops/composed.js';
import { add, equal, mul, neg, where } from '../ops/elementwise.js';
import { logSoftmax } from '../ops/fused.js';
import { mean, sum } from '../ops/reduction.js';
import { requireOptions } from '../options.js';
import { formatSpec, sizeOf } from '../spec.js';
import type { Loss } from './loss.js';

/**
 * Cross-entropy between the softmax of logits [batch, classes] and class indices int32 [batch], averaged over the
 * batch. With `labelSmoothing` s the target is 1 − s + s/classes for the class and s/classes for the others
 * (Szegedy et al., 2016). A label that is none of the classes makes the loss NaN.
 *
 * @throws `shape` if prediction and labels are not of these shapes.
 */
export function softmaxCrossEntropy(options: { labelSmoothing?: number } = {}): Loss {
  requireOptions('softmaxCrossEntropy', options, 'labelSmoothing');
  const { labelSmoothing = 0 } = options;
  if (!(labelSmoothing >= 0 && labelSmoothing < 1)) {
    throw new BnError('argument', `labelSmoothing must be from 0 to below 1, got ${labelSmoothing}`);
  }
  return (logits, labels) => {
    const classes = logits.shape[1];
    if (logits.shape.length !== 2 || classes == null || labels.shape.length !== 1 || labels.dtype !== 'int32') {
      throw new BnError(
        'shape',
        `softmaxCrossEntropy: expected logits float32 [batch, classes] and labels int32 [batch], got ` +
          `${formatSpec(logits)} and ${formatSpec(labels)}; the network must end in dense(classes)`,
      );
    }
    const hard = oneHot(labels, classes);
    const target = labelSmoothing === 0 ? hard : add(mul(hard, 1 - labelSmoothing), labelSmoothing / classes);
    const loss = neg(mean(sum(mul(logSoftmax(logits), target), [1])));
    // Otherwise examples whose label is no class, as of labels that count from 1, would have no loss and teach nothing.
    const allAreClasses = equal(sum(hard), sizeOf(labels.shape));
    return add(loss, where(allAreClasses, 0, Number.NaN));
  };
}
