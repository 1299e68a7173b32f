// What follows a normalization: a scale and a shift for each channel.

import { type Initializer, ones, zeros } from '../initializers.js';
import { fill } from '../ops/composed.js';
import { add, mul } from '../ops/elementwise.js';
import { normalizeAxes } from '../ops/reduction.js';
import { reshape } from '../ops/shape.js';
import type { Scope } from '../scope.js';
import { formatShape, staticShape } from '../spec.js';
import { shapeError, site, type Tensor } from '../tensor.js';

export interface AffineOptions {
  /** Whether gamma is there and trained. Default true. */
  scale?: boolean | undefined;
  /** Whether beta is there and trained. Default true. */
  center?: boolean | undefined;
  gammaInitializer?: Initializer | undefined;
  betaInitializer?: Initializer | undefined;
}

export const affineNames = 'scale center gammaInitializer betaInitializer';

/** Parameters `gamma` and `beta` [channels], or ones and zeros in place of those that are switched off. */
export function affineOf(scope: Scope, channels: number, options: AffineOptions): { gamma: Tensor; beta: Tensor } {
  const { scale = true, center = true, gammaInitializer = ones(), betaInitializer = zeros() } = options;
  return {
    gamma: scale ? scope.parameter('gamma', [channels], gammaInitializer) : fill([channels], 1),
    beta: center ? scope.parameter('beta', [channels], betaInitializer) : fill([channels], 0),
  };
}

/** gamma · y + beta, with y of any shape, and gamma and beta along its axis `axis`. */
export function affine(y: Tensor, { gamma, beta }: { gamma: Tensor; beta: Tensor }, axis = 1): Tensor {
  const along = (values: Tensor) =>
    reshape(
      values,
      y.shape.map((n, i) => (i === axis ? n : 1)),
    );
  return add(mul(y, along(gamma)), along(beta));
}

/** The channel axis of a layer's input and its size; throws `shape` if there is none. */
export function channelsOf(layer: string, x: Tensor, axis = 1): { axis: number; channels: number } {
  if (x.shape.length < 2) {
    throw shapeError(layer, `expected at least two axes [batch, channels, …], got ${formatShape(x.shape)}`);
  }
  const [at] = normalizeAxes(layer, x, [axis]) as [number];
  return { axis: at, channels: staticShape([x.shape[at]!], site(layer))[0]! };
}
