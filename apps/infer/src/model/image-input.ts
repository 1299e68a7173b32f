// How images, and examples of data sets, become what a model takes.

import { BnError, formatSpec, imageFeatures, type Signature } from '@bn/core';

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

/** The input as examples of a data set: as images where it takes some, else in its own form, with pixels from 0 to 1. */
export function dataInput(name: string, { input }: Signature): DataInput {
  if (input.image) return imageInput(name, { input });
  const { shape, dtype } = input;
  return {
    shape,
    features: (pixels) => (dtype === 'uint8' ? pixels : Float32Array.from(pixels, (pixel) => pixel / 255)),
  };
}

/**
 * The input as images: decoded as `[channels, height, width]`, brought to the order and range that the model takes.
 *
 * @throws BnError `unsupported` if it takes something else
 */
export function imageInput(name: string, { input }: Pick<Signature, 'input'>): ImageInput {
  const { image, shape, dtype } = input;
  if (!image) {
    const taken = formatSpec({ dtype, shape: [null, ...shape] });
    const problem = `the model takes ${taken}, which is not a grey or RGB image`;
    throw new BnError('unsupported', `${name}: ${problem}; give a model that takes images`);
  }
  const { channels, height, width } = image;
  return {
    ...{ channels, height, width, shape: [channels, height, width] },
    features: (pixels) => imageFeatures({ ...input, image }, pixels),
  };
}
