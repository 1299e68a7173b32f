// The loss of regression.

import { BnError } from '../errors.js';
import { square } from '../ops/composed.js';
import { sub } from '../ops/elementwise.js';
import { mean } from '../ops/reduction.js';
import { reshape } from '../ops/shape.js';
import { formatSpec } from '../spec.js';
import type { Loss } from './loss.js';

/**
 * The mean of squared differences over all values, as in PyTorch. Labels float32 of the prediction's shape;
 * [batch] is taken for predictions [batch, 1].
 *
 * @throws `shape` if they do not fit: broadcasting would silently compare everything with everything.
 */
export function meanSquaredError(): Loss {
  return (prediction, labels) => {
    const sizes = (x: { shape: readonly (number | null)[] }) => x.shape.filter((n) => n !== 1).join();
    if (sizes(prediction) !== sizes(labels) || labels.dtype !== 'float32') {
      throw new BnError(
        'shape',
        `meanSquaredError: expected float32 labels of the prediction's shape, got ${formatSpec(prediction)} and ${formatSpec(labels)}`,
      );
    }
    return mean(square(sub(prediction, reshape(labels, prediction.shape))));
  };
}
