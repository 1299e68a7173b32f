// Batch renormalization (Ioffe, 2017, "Batch Renormalization: Towards Reducing Minibatch Dependence in Batch-Normalized Models").

import { zeros } from '../initializers.js';
import { stopGradient } from '../ops/composed.js';
import { add, div, log, maximum, minimum, mul, neg, sqrt, sub } from '../ops/elementwise.js';
import { batchNormalize } from '../ops/fused.js';
import { reshape } from '../ops/shape.js';
import { requireCount, requireOptions } from '../options.js';
import { defineLayer, type Layer } from '../scope.js';
import type { Tensor } from '../tensor.js';
import { type AffineOptions, affine, affineNames, affineOf, channelsOf } from './affine.js';
import { moments, standardize } from './moments.js';
import { follow, type RunningOptions, rulesOf, runningNames, runningStatistics } from './running-statistics.js';

export interface BatchRenormOptions extends RunningOptions, AffineOptions {
  /** How far the batch's deviation may be corrected, at most; default 3. */
  rMax?: number | undefined;
  /** How far the batch's mean may be corrected, at most, in deviations; default 5. */
  dMax?: number | undefined;
  /**
   * Steps of batch normalization at the start. Thereafter the limits rise evenly: of the mean until five times, of the
   * deviation until eight times as many steps, as in the paper. Default 500; the paper's 5000 goes with averages ten times as slow.
   */
  warmup?: number | undefined;
}

/**
 * Batch renormalization: y = gamma · ((x − mean) / σ · r + d) + beta, where mean and σ = √(variance + epsilon) are the batch's,
 * r = σ / σ′ is held in 1/rMax … rMax and d = (mean − mean′) / σ′ in −dMax … dMax, with mean′ and σ′ of the running
 * statistics; no gradient flows through r and d. So training sees what prediction will, also from small batches.
 *
 * Running statistics and prediction are those of `batchNorm`, whose weights fit: the variance is averaged, where the paper
 * averages σ. Parameters `gamma` and `beta`, states `runningMean` and `runningVariance`, all [channels], and `warmth` [],
 * which says how much of the warm-up is over: 1 − e^(−steps / warmup). As an average, of ones, it is set aside with the others while
 * they are recalibrated: the layers normalize by the batch alone then.
 *
 * @throws `shape` if in training there is only one value per channel
 */
export function batchRenorm(options: BatchRenormOptions = {}): Layer {
  requireOptions('batchRenorm', options, `${runningNames} ${affineNames} rMax dMax warmup`);
  const { rMax = 3, dMax = 5, warmup = 500 } = options;
  requireCount('batchRenorm: warmup', warmup);
  const rules = rulesOf('batchRenorm', options);
  return defineLayer((x, scope) => {
    const { axis, channels } = channelsOf('batchRenorm', x);
    const parameters = affineOf(scope, channels, options);
    const running = runningStatistics(scope, channels, options);
    const warmth = scope.state('warmth', [], zeros());
    if (!scope.training) {
      const { gamma, beta } = parameters;
      return batchNormalize(x, running.mean, running.variance, gamma, beta, { axis, epsilon: rules.epsilon });
    }
    const axes = x.shape.flatMap((_, i) => (i === axis ? [] : [i]));
    const what = { layer: 'batchRenorm', alone: 'channel in training', cure: 'use a batch of two or more' };
    const batch = moments(x, axes, what);
    follow(scope, running, batch, rules);
    scope.update('warmth', add(mul(warmth, 1 - 1 / warmup), 1 / warmup));

    const along = (values: Tensor) => reshape(values, batch.mean.shape);
    const deviation = sqrt(add(along(running.variance), rules.epsilon));
    const warmups = neg(log(sub(1, warmth)));
    /** From 0 at the end of the warm-up to 1 at so many times its steps. */
    const risen = (times: number) => clip(div(sub(warmups, 1), times - 1), 0, 1);
    const rLimit = add(mul(risen(8), rMax - 1), 1);
    const dLimit = mul(risen(5), dMax);
    const r = clip(div(sqrt(add(batch.variance, rules.epsilon)), deviation), div(1, rLimit), rLimit);
    const d = clip(div(sub(batch.mean, along(running.mean)), deviation), neg(dLimit), dLimit);
    const normalized = standardize(x, batch, rules.epsilon);
    return affine(add(mul(normalized, stopGradient(r)), stopGradient(d)), parameters, axis);
  });
}

function clip(x: Tensor, low: Tensor | number, high: Tensor | number): Tensor {
  return minimum(maximum(x, low), high);
}
