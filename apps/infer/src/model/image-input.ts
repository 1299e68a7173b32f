// How images, and examples of data sets, become what a model takes.

import { BnError, type DType, formatSpec } from '@bn/core';
import type { InferenceModel } from './open-model.js';

export interface DataInput {
  /** Of one example in a data set; of an image `[channels, height, width]`. */
  readonly shape: readonly number[];
  /** The pixels of examples, one after another, as the model's features. */
  features(pixels: Uint8Array): Uint8Array | Float32Array;
}

export interface ImageInput extends DataInput {
  readonly channels: 1 | 3;
  readonly height: number;
  readonly width: number;
}

type ModelInput = Pick<InferenceModel, 'name' | 'input'>;

/** The input as examples of a data set: as images where it has their form, else in its own. */
export function dataInput(model: ModelInput): DataInput {
  const { shape, dtype } = model.input.spec;
  if (layoutOf(shape.slice(1) as number[])) return imageInput(model);
  return { shape: shape.slice(1) as number[], features: (pixels) => pixelValues(pixels, dtype) };
}

/** As they are where the model takes uint8, else divided by 255. */
function pixelValues(pixels: Uint8Array, dtype: DType): Uint8Array | Float32Array {
  return dtype === 'uint8' ? pixels : Float32Array.from(pixels, (pixel) => pixel / 255);
}

/**
 * The input as images: `[channels, height, width]`, as PyTorch and this toolkit have it, `[height, width, channels]`, as
 * TensorFlow has it, or `[height, width]`.
 *
 * @throws BnError `unsupported` if it has another form
 */
export function imageInput({ name, input: { spec } }: ModelInput): ImageInput {
  const layout = layoutOf(spec.shape.slice(1) as number[]);
  if (!layout) {
    throw new BnError(
      'unsupported',
      `${name}: the model takes ${formatSpec(spec)}, which is not a grey or RGB image; give a model that takes images`,
    );
  }
  const { channelsLast, ...size } = layout;
  return {
    ...size,
    shape: [size.channels, size.height, size.width],
    features(pixels) {
      return pixelValues(channelsLast && size.channels > 1 ? interleaved(pixels, size) : pixels, spec.dtype);
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
