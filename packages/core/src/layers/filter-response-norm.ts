// Filter response normalization (Singh and Krishnan, 2019, "Filter Response Normalization Layer: Eliminating Batch Dependence
// in the Training of Deep Neural Networks").

import { constant, zeros } from '../initializers.js';
import { square } from '../ops/composed.js';
import { add, div, maximum, neg, sqrt } from '../ops/elementwise.js';
import { mean } from '../ops/reduction.js';
import { reshape } from '../ops/shape.js';
import { requireOptions } from '../options.js';
import { defineLayer, type Layer } from '../scope.js';
import { sizeOf, staticShape } from '../spec.js';
import { site } from '../tensor.js';
import { type AffineOptions, affine, affineNames, affineOf, channelsOf } from './affine.js';

export interface FilterResponseNormOptions extends AffineOptions {
  /** Added to the mean square; default 1e-6. */
  epsilon?: number | undefined;
  /**
   * Whether |`epsilonLearned`|, a parameter [channels] that starts at 1e-4, is added too. Default: where a channel has one value alone, as in
   * [batch, features], which without it would be a sign.
   */
  learnEpsilon?: boolean | undefined;
  /** Whether max(y, `tau`) follows, the thresholded linear unit, with a parameter [channels]: in place of ReLU. Default false. */
  threshold?: boolean | undefined;
}

/**
 * Filter response normalization: y = gamma · x / √(mean(x²) + epsilon) + beta, with the mean over the positions of each channel
 * of each example; no mean is subtracted. [batch, channels, …].
 *
 * There are no running statistics: training and prediction do the same, whatever the batch. Parameters `gamma`, `beta`, and
 * as asked for `epsilonLearned` and `tau`, all [channels].
 */
export function filterResponseNorm(options: FilterResponseNormOptions = {}): Layer {
  requireOptions('filterResponseNorm', options, `epsilon learnEpsilon threshold ${affineNames}`);
  const { epsilon = 1e-6, threshold = false } = options;
  return defineLayer((x, scope) => {
    const { channels } = channelsOf('filterResponseNorm', x);
    const positions = x.shape.slice(2).map((_, i) => i + 2);
    const isAlone = sizeOf(staticShape(x.shape.slice(2), site('filterResponseNorm'))) === 1;
    const along = (name: string, value: number) =>
      reshape(scope.parameter(name, [channels], value === 0 ? zeros() : constant(value)), [
        1,
        channels,
        ...positions.map(() => 1),
      ]);
    const power = positions.length === 0 ? square(x) : mean(square(x), positions, { keepDims: true });
    let added = add(power, epsilon);
    if (options.learnEpsilon ?? isAlone) {
      const learned = along('epsilonLearned', 1e-4);
      added = add(added, maximum(learned, neg(learned)));
    }
    const y = affine(div(x, sqrt(added)), affineOf(scope, channels, options));
    return threshold ? maximum(y, along('tau', 0)) : y;
  });
}
