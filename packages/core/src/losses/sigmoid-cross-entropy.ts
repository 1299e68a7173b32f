// The loss of independent labels.

import { BnError } from '../errors.js';
import { add, exp, log, maximum, mul, neg, sub } from '../ops/elementwise.js';
import { mean } from '../ops/reduction.js';
import { formatSpec, sameShape } from '../spec.js';
import { type Loss, requireLogits } from './loss.js';

/**
 * Cross-entropy between the sigmoid of logits x [batch, labels] and targets t of the same shape, float32 from 0 to 1,
 * averaged over all: max(x, 0) − x·t + log(1 + exp(−|x|)), which does not overflow (PyTorch's BCEWithLogitsLoss).
 *
 * @throws `shape` if the targets are not float32 of the logits' shape, `argument` for what is a sigmoid already.
 */
export function sigmoidCrossEntropy(): Loss {
  return (logits, targets) => {
    if (!sameShape(logits.shape, targets.shape) || targets.dtype !== 'float32') {
      const seen = `${formatSpec(logits)} and ${formatSpec(targets)}`;
      throw new BnError('shape', `sigmoidCrossEntropy: expected float32 labels of the logits' shape, got ${seen}`);
    }
    requireLogits('sigmoidCrossEntropy', logits, 'sigmoid');
    const magnitude = maximum(logits, neg(logits));
    const rest = log(add(exp(neg(magnitude)), 1));
    return mean(add(sub(maximum(logits, 0), mul(logits, targets)), rest));
  };
}
