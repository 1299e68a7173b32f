// Examples mixed with others (mixup: Zhang et al., 2018).

import { requireOptions } from '../options.js';
import { defineLayer, type Layer } from '../scope.js';
import { betaOf, declareShare, partners, requireAlpha } from './mixed-batch.js';
import { mix } from './picture.js';

export interface MixupOptions {
  /** The share of an example is drawn from Beta(alpha, alpha): near 0 or 1 where alpha is small, uniform at 1. Default 0.2. */
  alpha?: number | undefined;
}

/**
 * In training makes of each example a share of itself plus the rest of its neighbour in the batch, one share for the whole batch; loss
 * and metrics then count both labels in these shares. In prediction does nothing. Any float32 [batch, …].
 */
export function mixup(options: MixupOptions = {}): Layer {
  requireOptions('mixup', options, 'alpha');
  const { alpha = 0.2 } = options;
  requireAlpha('mixup', alpha);
  return defineLayer((x, scope) => {
    if (!scope.training) return x;
    const share = betaOf(scope.random([1]), alpha);
    declareShare('mixup', share, scope);
    return mix(partners(x), x, share);
  });
}
