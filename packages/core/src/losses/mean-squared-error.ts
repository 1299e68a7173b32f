// The loss of regression.

import { BnError } from '../errors.js';
import { square } from '../ops/composed.js';
import { sub } from '../ops/elementwise.js';
import { mean } from '../ops/reduction.js';
import { reshape } from '../ops/shape.js';
import { formatSpec } from '../spec.js';
import type { Tensor } from '../tensor.js';
import type { Loss } from './loss.js';

/**
 * The mean of squared differences over all values, as in PyTorch. Labels float32 of the prediction's shape;
 * [batch] is taken for predictions [batch, 1].
 *
 * @throws `shape` if they do not fit: broadcasting would silently compare everything with everything.
 */
export function meanSquaredError(): Loss {
  return (prediction, labels) => mean(square(differences('meanSquaredError', prediction, labels)));
}

/** prediction − labels, of the prediction's shape. */
export function differences(loss: string, prediction: Tensor, labels: Tensor): Tensor {
  const sizes = (x: Tensor) => x.shape.filter((n) => n !== 1).join();
  if (sizes(prediction) !== sizes(labels) || labels.dtype !== 'float32') {
    const seen = `${formatSpec(prediction)} and ${formatSpec(labels)}`;
    throw new BnError('shape', `${loss}: expected float32 labels of the prediction's shape, got ${seen}`);
  }
  return sub(prediction, reshape(labels, prediction.shape));
}
