// Pixels to the numbers that a model takes.

import { type ImageSignature, type InputSignature, pixelScaling } from '../signature.js';

/** An input that takes images. */
export type ImageInputSignature = InputSignature & { readonly image: ImageSignature };

/** Pixels of images, uint8 `[channels, height, width]` one after another, in the model's element type, order and range. */
export function imageFeatures({ image, dtype }: ImageInputSignature, pixels: Uint8Array): Uint8Array | Float32Array {
  const { channels, height, width, order } = image;
  const { scale, offset } = pixelScaling(image);
  const area = height * width;
  const features = dtype === 'uint8' ? new Uint8Array(pixels.length) : new Float32Array(pixels.length);
  for (let i = 0; i < pixels.length; i++) {
    const plane = Math.floor(i / area);
    const channel = plane % channels;
    // `[channels, height, width]` of each image to `[height, width, channels]`.
    const to = order === 'HWC' ? (plane - channel) * area + (i % area) * channels + channel : i;
    features[to] = dtype === 'uint8' ? pixels[i]! : pixels[i]! * scale[channel]! + offset[channel]!;
  }
  return features;
}
