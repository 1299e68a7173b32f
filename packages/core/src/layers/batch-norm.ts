// The batch normalization layer (Ioffe and Szegedy, 2015; d2l 0.17, §7.5).

import { customGradient } from '../ops/composed.js';
import { add, div, mul, sqrt, sub } from '../ops/elementwise.js';
import { batchNormalize } from '../ops/fused.js';
import { sum } from '../ops/reduction.js';
import { reshape } from '../ops/shape.js';
import { requireOptions } from '../options.js';
import { defineLayer, type Layer } from '../scope.js';
import { sizeOf } from '../spec.js';
import { constant, type Tensor } from '../tensor.js';
import { type AffineOptions, affineNames, affineOf, channelsOf } from './affine.js';
import { type Moments, moments } from './moments.js';
import { follow, type RunningOptions, rulesOf, runningNames, runningStatistics } from './running-statistics.js';

export interface BatchNormOptions extends RunningOptions, AffineOptions {
  /** The channel axis. Default 1: [batch, features] and [batch, channels, height, width]. */
  axis?: number | undefined;
  /** False: no running statistics; prediction, too, normalizes with the statistics of its batch, also once exported. Default true. */
  trackRunningStatistics?: boolean | undefined;
  /** True: training, too, normalizes with the running statistics and leaves them as they are. Default false. */
  frozen?: boolean | undefined;
}

/**
 * Batch normalization: y = gamma · (x − mean) / √(variance + epsilon) + beta, per channel.
 *
 * In training, mean and (population) variance are the batch's, over all axes but the channel axis, and the running
 * statistics follow them; in prediction the running statistics are used. Parameters `gamma` and `beta`, states
 * `runningMean` and `runningVariance`, all [channels] (and `batches` [] when momentum is null).
 *
 * | convention  | momentum weighs | default | epsilon | running variance |
 * |---|---|---|---|---|
 * | d2l, onnx   | the old value   | 0.9     | 1e-5    | population (N)   |
 * | torch       | the new value   | 0.1     | 1e-5    | unbiased (N − 1) |
 * | keras       | the old value   | 0.99    | 1e-3    | population (N)   |
 *
 * @throws `shape` if in training, or without running statistics, there is only one value per channel: its variance would be
 * zero and y = beta.
 */
export function batchNorm(options: BatchNormOptions = {}): Layer {
  requireOptions('batchNorm', options, `${runningNames} ${affineNames} axis trackRunningStatistics frozen`);
  const rules = rulesOf('batchNorm', options);
  return defineLayer((x, scope) => {
    const { axis, channels } = channelsOf('batchNorm', x, options.axis);
    const { trackRunningStatistics = true, frozen = false } = options;
    const { gamma, beta } = affineOf(scope, channels, options);
    const running = trackRunningStatistics ? runningStatistics(scope, channels, options) : null;

    if (running && (frozen || !scope.training)) {
      return batchNormalize(x, running.mean, running.variance, gamma, beta, { axis, epsilon: rules.epsilon });
    }
    const axes = x.shape.flatMap((_, i) => (i === axis ? [] : [i]));
    const statistics = moments(x, axes, aloneIn(scope.training, running !== null));
    if (running && scope.training) follow(scope, running, statistics, rules);
    return normalizeBatch(x, gamma, beta, statistics, { axis, epsilon: rules.epsilon });
  });
}

/** What to say of a channel with one value. */
function aloneIn(training: boolean, hasRunning: boolean) {
  const layer = 'batchNorm';
  const larger = 'use a batch of two or more';
  if (training) {
    return { layer, alone: 'channel in training', cure: hasRunning ? `${larger}, or frozen: true` : larger };
  }
  const alone = 'channel, and no running statistics (trackRunningStatistics is false)';
  return { layer, alone, cure: `${larger}, or train with running statistics` };
}

/**
 * batchNormalize with the batch's own statistics, and the gradient derived by hand: two reductions, one pass over x.
 *
 * The shift is taken out of sums and products rather than of each value, which costs no digits: a value of the channel lies
 * as far from the mean as outputs do at most.
 */
function normalizeBatch(
  x: Tensor,
  gamma: Tensor,
  beta: Tensor,
  { shifted, shift, variance, axes, sizes }: Moments,
  attributes: { axis: number; epsilon: number },
): Tensor {
  const channels = gamma.shape as readonly number[];
  const s = div(1, sqrt(add(variance, attributes.epsilon)));
  const scale = mul(reshape(gamma, s.shape), s);
  const forward = () => {
    const zero = constant(new Array<number>(sizeOf(channels)).fill(0), channels);
    const offset = sub(beta, reshape(mul(shift, scale), channels));
    return batchNormalize(shifted, zero, reshape(variance, channels), gamma, offset, attributes);
  };
  // With x̂ = (x − mean)·s and s = 1/√(variance + epsilon):
  //   dbeta = Σ dy,  dgamma = Σ dy·x̂,  dx = gamma·s·(dy − dbeta/count − x̂·dgamma/count)
  const backward = (dy: Tensor) => {
    const perValue = 1 / sizeOf(sizes);
    const dbeta = sum(dy, axes, { keepDims: true });
    const dgamma = mul(sub(sum(mul(dy, shifted), axes, { keepDims: true }), mul(shift, dbeta)), s);
    const slope = mul(mul(dgamma, s), perValue);
    const shared = add(mul(shifted, slope), sub(mul(dbeta, perValue), mul(shift, slope)));
    return [mul(sub(dy, shared), scale), reshape(dgamma, channels), reshape(dbeta, channels)];
  };
  return customGradient([x, gamma, beta], forward, backward);
}
