// The loss of classification.

import { BnError } from '../errors.js';
import { oneHot } from '../ops/composed.js';
import { add, div, equal, mul, neg, where } from '../ops/elementwise.js';
import { logSoftmax } from '../ops/fused.js';
import { mean, sum } from '../ops/reduction.js';
import { requireBelow, requireOptions } from '../options.js';
import { formatSpec, sizeOf } from '../spec.js';
import { constant } from '../tensor.js';
import { type Loss, requireLogits } from './loss.js';

export interface SoftmaxCrossEntropyOptions {
  /** Share of the target that goes to all classes alike, from 0 to below 1; default 0 (Szegedy et al., 2016). */
  labelSmoothing?: number | undefined;
  /** How much an example of each class counts, one positive number per class; default 1 each. */
  classWeights?: readonly number[] | undefined;
}

/**
 * Cross-entropy between the softmax of logits [batch, classes] and class indices int32 [batch], averaged over the
 * batch. With `labelSmoothing` s the target is 1 − s + s/classes for the class and s/classes for the others. With
 * `classWeights` w the average is Σ wᵢ·lossᵢ / Σ wᵢ with the weight of each example's class, as in PyTorch. A label that is
 * none of the classes makes the loss NaN.
 *
 * @throws `shape` if prediction and labels are not of these shapes, `argument` for what is a softmax already.
 */
export function softmaxCrossEntropy(options: SoftmaxCrossEntropyOptions = {}): Loss {
  requireOptions('softmaxCrossEntropy', options, 'labelSmoothing classWeights');
  const { labelSmoothing = 0, classWeights } = options;
  requireBelow('labelSmoothing', labelSmoothing, 1);
  if (classWeights && !classWeights.every((weight) => weight > 0 && weight < Infinity)) {
    throw new BnError('argument', `classWeights must be numbers above 0, got ${classWeights.join(', ')}`);
  }
  return (logits, labels) => {
    const classes = logits.shape[1];
    if (logits.shape.length !== 2 || classes == null || labels.shape.length !== 1 || labels.dtype !== 'int32') {
      const expected = 'expected logits float32 [batch, classes] and labels int32 [batch]';
      const seen = `got ${formatSpec(logits)} and ${formatSpec(labels)}`;
      throw new BnError('shape', `softmaxCrossEntropy: ${expected}, ${seen}; the network must end in dense(classes)`);
    }
    requireLogits('softmaxCrossEntropy', logits, 'softmax');
    if (classWeights && classWeights.length !== classes) {
      throw new BnError('shape', `there are ${classWeights.length} classWeights for ${classes} classes; give one each`);
    }
    const hard = oneHot(labels, classes);
    const target = labelSmoothing === 0 ? hard : add(mul(hard, 1 - labelSmoothing), labelSmoothing / classes);
    const weights = classWeights && constant(Float32Array.from(classWeights), [1, classes]);
    // PyTorch weighs each class's share of a smoothed target by that class, and divides by the weights of the hard ones.
    const losses = sum(mul(logSoftmax(logits), weights ? mul(target, weights) : target), [1]);
    const loss = neg(weights ? div(sum(losses), sum(mul(hard, weights))) : mean(losses));
    // Otherwise examples whose label is not a class, such as labels that count from 1, would have no loss and teach nothing.
    const allAreClasses = equal(sum(hard), sizeOf(labels.shape));
    return add(loss, where(allAreClasses, 0, Number.NaN));
  };
}
