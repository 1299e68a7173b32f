// Pictures with a part of another in place of their own (CutMix: Yun et al., 2019).

import { add, cast, less, mul, sqrt, sub } from '../ops/elementwise.js';
import { mean } from '../ops/reduction.js';
import { iota, reshape, slice } from '../ops/shape.js';
import { requireOptions } from '../options.js';
import { defineLayer, type Layer } from '../scope.js';
import { formatSpec } from '../spec.js';
import { shapeError } from '../tensor.js';
import { betaOf, declareShare, partners, requireAlpha } from './mixed-batch.js';
import { mix } from './picture.js';

export interface CutmixOptions {
  /** The share that a picture keeps is drawn from Beta(alpha, alpha), where the box lies inside. Default 1: uniform. */
  alpha?: number | undefined;
}

/**
 * In training puts a box of its neighbour in the batch into each picture, one box for the whole batch, anywhere, with the proportions of
 * the picture; what lies outside is lost. Loss and metrics then count both labels by area. In prediction does nothing.
 */
export function cutmix(options: CutmixOptions = {}): Layer {
  requireOptions('cutmix', options, 'alpha');
  const { alpha = 1 } = options;
  requireAlpha('cutmix', alpha);
  return defineLayer((x, scope) => {
    if (!scope.training) return x;
    if (x.shape.length !== 4 || x.dtype !== 'float32') {
      throw shapeError('cutmix', `expected pictures float32 [batch, channels, height, width], got ${formatSpec(x)}`);
    }
    const [, , height, width] = x.shape as readonly number[];
    const draws = scope.random([3]);
    const draw = (i: number) => slice(draws, [i], [i + 1]);
    const side = sqrt(sub(1, betaOf(draw(0), alpha)));
    /** 1 where a pixel's middle is within the box, along one axis. */
    const span = (shape: readonly number[], axis: number, size: number, at: number) => {
      const distance = sub(add(cast(iota(shape, axis), 'float32'), 0.5), mul(draw(at), size));
      const half = mul(side, size / 2);
      return cast(less(mul(distance, distance), mul(half, half)), 'float32');
    };
    const box = mul(span([1, 1, height!, 1], 2, height!, 1), span([1, 1, 1, width!], 3, width!, 2));
    declareShare('cutmix', sub(1, reshape(mean(box), [])), scope);
    return mix(x, partners(x), box);
  });
}
