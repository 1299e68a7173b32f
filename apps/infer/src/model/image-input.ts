// How images become what a model takes.

import { BnError, formatSpec } from '@bn/core';
import type { InferenceModel } from './open-model.js';

export interface ImageInput {
  readonly channels: 1 | 3;
  readonly height: number;
  readonly width: number;
  /** Pixels of images one after another, each uint8 `[channels, height, width]`, as the model's features. */
  features(pixels: Uint8Array): Uint8Array | Float32Array;
}

/**
 * The input as images: `[channels, height, width]`, as PyTorch and this toolkit have it, `[height, width, channels]`, as
 * TensorFlow has it, or `[height, width]`. Pixels go in as they are where the input is uint8, else divided by 255.
 *
 * @throws BnError `unsupported` if it has another form
 */
export function imageInput({ name, input: { spec } }: Pick<InferenceModel, 'name' | 'input'>): ImageInput {
  const layout = layoutOf(spec.shape.slice(1) as number[]);
  if (!layout) {
    throw new BnError(
      'unsupported',
      `${name}: the model takes ${formatSpec(spec)}, which is no grey or RGB image; give a model of images`,
    );
  }
  const { channelsLast, ...size } = layout;
  return {
    ...size,
    features(pixels) {
      const ordered = channelsLast && size.channels > 1 ? interleaved(pixels, size) : pixels;
      return spec.dtype === 'uint8' ? ordered : Float32Array.from(ordered, (pixel) => pixel / 255);
    },
  };
}

interface Layout extends Pick<ImageInput, 'channels' | 'height' | 'width'> {
  readonly channelsLast: boolean;
}

function layoutOf(shape: readonly number[]): Layout | null {
  const [a, b, c] = shape as [number, number, number];
  if (shape.length === 2) return { channels: 1, height: a, width: b, channelsLast: false };
  if (shape.length !== 3) return null;
  if (a === 1 || a === 3) return { channels: a, height: b, width: c, channelsLast: false };
  if (c === 1 || c === 3) return { channels: c, height: a, width: b, channelsLast: true };
  return null;
}

/** `[channels, height, width]` of each image to `[height, width, channels]`. */
function interleaved(pixels: Uint8Array, { channels, height, width }: Omit<Layout, 'channelsLast'>): Uint8Array {
  const area = height * width;
  const size = channels * area;
  const result = new Uint8Array(pixels.length);
  for (let start = 0; start < pixels.length; start += size) {
    for (let i = 0; i < size; i++) result[start + (i % area) * channels + Math.floor(i / area)] = pixels[start + i]!;
  }
  return result;
}
