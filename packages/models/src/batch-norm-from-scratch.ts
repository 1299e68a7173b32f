// Batch normalization as the textbook writes it (d2l 0.17, §7.5.3): from tensor operations, differentiated automatically.

import { defineLayer, type Layer, ones, ops, requireOptions, type Tensor, zeros } from '@bn/core';

const { add, div, mul, sqrt, square, sub } = ops;

export interface BatchNormFromScratchOptions {
  /** Added to the variance; default 1e-5. */
  epsilon?: number | undefined;
  /** Weight of the old moving average; default 0.9. */
  momentum?: number | undefined;
}

/**
 * Normalizes [batch, features] per feature and [batch, channels, height, width] per channel. Parameters `gamma` and
 * `beta`, states `movingMean` and `movingVariance`, of shape [1, features] or [1, channels, 1, 1].
 */
export function batchNormFromScratch(options: BatchNormFromScratchOptions = {}): Layer {
  requireOptions('batchNormFromScratch', options, 'epsilon momentum');
  const { epsilon = 1e-5, momentum = 0.9 } = options;
  return defineLayer((x, scope) => {
    // Dense inputs are averaged over the batch, images over the batch and all positions of a channel.
    const axes = x.shape.length === 2 ? [0] : [0, 2, 3];
    const shape = x.shape.map((n, axis) => (axes.includes(axis) ? 1 : n!));
    const gamma = scope.parameter('gamma', shape, ones());
    const beta = scope.parameter('beta', shape, zeros());
    const movingMean = scope.state('movingMean', shape, zeros());
    const movingVariance = scope.state('movingVariance', shape, ones());

    let mean: Tensor = movingMean;
    let variance: Tensor = movingVariance;
    if (scope.training) {
      mean = ops.mean(x, axes, { keepDims: true });
      variance = ops.mean(square(sub(x, mean)), axes, { keepDims: true });
      scope.update('movingMean', add(mul(movingMean, momentum), mul(mean, 1 - momentum)));
      const nextVariance = add(mul(movingVariance, momentum), mul(variance, 1 - momentum));
      scope.update('movingVariance', nextVariance, { around: 'movingMean' });
    }
    const normalized = div(sub(x, mean), sqrt(add(variance, epsilon)));
    return add(mul(gamma, normalized), beta);
  });
}
