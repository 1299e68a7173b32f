// Ghost batch normalization (Hoffer et al., 2017, "Train longer, generalize better: closing the generalization gap in large
// batch training of neural networks").

import { square } from '../ops/composed.js';
import { add, sub } from '../ops/elementwise.js';
import { batchNormalize } from '../ops/fused.js';
import { mean } from '../ops/reduction.js';
import { reshape } from '../ops/shape.js';
import { requireCount, requireOptions } from '../options.js';
import { defineLayer, type Layer } from '../scope.js';
import { staticShape } from '../spec.js';
import { site } from '../tensor.js';
import { type AffineOptions, affine, affineNames, affineOf, channelsOf } from './affine.js';
import { moments, standardize } from './moments.js';
import { follow, type RunningOptions, rulesOf, runningNames, runningStatistics } from './running-statistics.js';

export interface GhostBatchNormOptions extends RunningOptions, AffineOptions {
  /** Examples that are normalized together, at least; default 32. A batch is divided into the smallest equal parts that have as many. */
  size?: number | undefined;
}

/**
 * Ghost batch normalization: in training, `batchNorm` of each part of the batch by itself, so that a large batch is as noisy as
 * a small one. [batch, channels, …].
 *
 * Running statistics and prediction are those of `batchNorm`: they follow the whole batch, where the paper follows part after
 * part. Parameters `gamma` and `beta`, states `runningMean` and `runningVariance`, all [channels].
 *
 * @throws `shape` if in training a part has only one value per channel
 */
export function ghostBatchNorm(options: GhostBatchNormOptions = {}): Layer {
  requireOptions('ghostBatchNorm', options, `${runningNames} ${affineNames} size`);
  const { size = 32 } = options;
  requireCount('ghostBatchNorm: size', size);
  const rules = rulesOf('ghostBatchNorm', options);
  return defineLayer((x, scope) => {
    const { channels } = channelsOf('ghostBatchNorm', x);
    const parameters = affineOf(scope, channels, options);
    const running = runningStatistics(scope, channels, options);
    if (!scope.training) {
      const { gamma, beta } = parameters;
      return batchNormalize(x, running.mean, running.variance, gamma, beta, { axis: 1, epsilon: rules.epsilon });
    }
    const [batch, ...shape] = staticShape(x.shape, site('ghostBatchNorm')) as [number, ...number[]];
    let part = Math.min(size, batch);
    while (batch % part !== 0) part++;
    const parted = reshape(x, [batch / part, part, ...shape]);
    const axes = [1, ...shape.slice(1).map((_, i) => i + 3)];
    const what = { layer: 'ghostBatchNorm', alone: 'channel and part in training', cure: 'use larger parts' };
    const ghosts = moments(parted, axes, what);

    const meanOf = (values: typeof x) => mean(values, [0], { keepDims: true });
    const middle = meanOf(ghosts.mean);
    const whole = { mean: middle, variance: add(meanOf(ghosts.variance), meanOf(square(sub(ghosts.mean, middle)))) };
    follow(scope, running, { ...whole, sizes: [batch, ...shape.slice(1)] }, rules);
    return affine(reshape(standardize(parted, ghosts, rules.epsilon), x.shape), parameters);
  });
}
