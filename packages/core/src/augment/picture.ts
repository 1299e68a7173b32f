// What augmentations share: they are layers that change pictures in training and nothing in prediction.

import { add, mul, sub } from '../ops/elementwise.js';
import { reshape, slice } from '../ops/shape.js';
import { defineLayer, type Layer, type Scope } from '../scope.js';
import { formatSpec, staticShape } from '../spec.js';
import { shapeError, site, type Tensor } from '../tensor.js';

/** Numbers of an example, a new one at each call. */
export interface Draws {
  /** Uniform in 0 ≤ u < 1, [batch, 1, 1, 1]. */
  uniform(): Tensor;
  /** Uniform in −most ≤ u < most, [batch, 1, 1, 1]. */
  around0(most: number): Tensor;
}

/**
 * A layer that `change`s float32 pictures [batch, channels, height, width] in training, and passes them on in prediction.
 *
 * @param count how many numbers it draws for each example
 */
export function augmentation(
  name: string,
  count: number,
  change: (x: Tensor, draws: Draws, sizes: readonly [number, number, number, number]) => Tensor,
): Layer {
  return defineLayer((x, scope) => {
    if (!scope.training) return x;
    if (x.shape.length !== 4 || x.dtype !== 'float32') {
      throw shapeError(name, `expected pictures float32 [batch, channels, height, width], got ${formatSpec(x)}`);
    }
    const sizes = staticShape(x.shape, site(name)) as [number, number, number, number];
    return change(x, drawsOf(scope, sizes[0], count), sizes);
  });
}

function drawsOf(scope: Scope, batch: number, count: number): Draws {
  const all = scope.random([batch, count]);
  let next = 0;
  const uniform = () => {
    const from = next++;
    return reshape(slice(all, [0, from], [batch, from + 1]), [batch, 1, 1, 1]);
  };
  return { uniform, around0: (most) => mul(sub(uniform(), 0.5), 2 * most) };
}

/** a where `t` is 0, b where it is 1, and between them in proportion. */
export function mix(a: Tensor, b: Tensor, t: Tensor | number): Tensor {
  return add(a, mul(sub(b, a), t));
}
