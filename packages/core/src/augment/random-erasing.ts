// Pictures with a part covered (random erasing: Zhong et al., 2017).

import { BnError } from '../errors.js';
import { add, cast, less, mul, sub } from '../ops/elementwise.js';
import { iota } from '../ops/shape.js';
import { requireOptions } from '../options.js';
import type { Layer } from '../scope.js';
import type { Tensor } from '../tensor.js';
import { augmentation, mix } from './picture.js';

export interface RandomErasingOptions {
  /** Share of the pictures that lose a part, 0 to 1. Default 0.5. */
  probability?: number | undefined;
}

/** Share of height and of width that the rectangle has, from and to. */
const [least, most] = [0.1, 0.5];

/**
 * In training covers a rectangle of some pictures with one grey; in prediction does nothing. Its height and width are each
 * from 0.1 to 0.5 of the picture's, its centre anywhere.
 */
export function randomErasing(options: RandomErasingOptions = {}): Layer {
  requireOptions('randomErasing', options, 'probability');
  const { probability = 0.5 } = options;
  if (!(probability >= 0 && probability <= 1)) {
    throw new BnError('argument', `randomErasing: probability must be from 0 to 1, got ${probability}`);
  }
  return augmentation('randomErasing', 6, (x, { uniform }, [, , height, width]) => {
    const chosen = isLess(uniform(), probability);
    /** 1 where |position − centre| is below half the size, along one axis. */
    const span = (shape: readonly number[], axis: number, size: number) => {
      const half = mul(add(mul(uniform(), most - least), least), size / 2);
      const distance = sub(cast(iota(shape, axis), 'float32'), mul(uniform(), size - 1));
      return isLess(mul(distance, distance), mul(half, half));
    };
    const covered = mul(mul(span([1, 1, height, 1], 2, height), span([1, 1, 1, width], 3, width)), chosen);
    return mix(x, uniform(), covered);
  });
}

function isLess(a: Tensor, b: Tensor | number): Tensor {
  return cast(less(a, b), 'float32');
}
