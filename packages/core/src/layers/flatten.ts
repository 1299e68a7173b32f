// From images to feature vectors.

import { reshape } from '../ops/shape.js';
import type { Layer } from '../scope.js';
import { sizeOf } from '../spec.js';

/** [batch, …] → [batch, features], row-major. */
export function flatten(): Layer {
  return (x) => reshape(x, [x.shape[0]!, sizeOf(x.shape.slice(1))]);
}
