// Pixels as a network takes them, in its graph.

import { add, mul } from '../ops/elementwise.js';
import { type ImageSignature, pixelScaling } from '../signature.js';
import { constant, type Tensor } from '../tensor.js';

/** Images [batch, channels, height, width] from 0 to 1, in the range and with the normalization of a signature; x itself if that is the same. */
export function scalePixels(
  x: Tensor,
  image: Pick<ImageSignature, 'channels' | 'range' | 'mean' | 'deviation'>,
): Tensor {
  const { scale, offset } = pixelScaling(image);
  const each = (values: readonly number[]) => constant(values, [1, image.channels, 1, 1]);
  const isAsIs = scale.every((v) => v * 255 === 1) && offset.every((v) => v === 0);
  return isAsIs ? x : add(mul(x, each(scale.map((v) => v * 255))), each(offset));
}
