// Image files through a model, in batches; one that cannot be read does not stop the others.

import { BnError } from '@bn/core';
import { type DecodeImageOptions, decodeImage } from '@bn/datasets';
import { imageInput } from '../model/image-input.js';
import type { OpenedModel } from '../model/open-model.js';
import { flawOf } from './flaw.js';

/** What became of an image: the model's answer, or why there is none. */
export type Classified =
  | { readonly image: string; readonly row: Float32Array }
  | { readonly image: string; readonly error: BnError };

/** An image by the name that the user knows it by, and where it is: the path of its file, or the bytes of one. */
export interface NamedImage {
  readonly image: string;
  readonly source: string | Uint8Array;
}

export interface ClassifiedBatch {
  /** In the order of the images. */
  readonly results: readonly Classified[];
  /** Milliseconds that the model waited for the images to be read and decoded. */
  readonly waited: number;
}

export interface ClassifyOptions {
  /** See `decodeImage`. */
  readonly invert: boolean;
  /** Images that the model gets at a time; default 64. */
  readonly batchSize?: number;
  /** Ends the work after the batch that it is at. */
  readonly signal: AbortSignal;
}

/** Images that are read and decoded at a time. */
const readers = 8;

/**
 * What became of the images, batch by batch. While a batch is computed, the next one is decoded, and no more: memory holds two.
 */
export async function* classifyImages(
  model: OpenedModel,
  images: readonly NamedImage[],
  { invert, batchSize = 64, signal }: ClassifyOptions,
): AsyncGenerator<ClassifiedBatch> {
  const { output } = model.signature;
  const input = imageInput(model.name, model.signature);
  const { channels, height, width } = input;
  const decode = (start: number) => {
    const options = { channels, size: [height, width], invert } as const;
    const decoded = decodeAll(images.slice(start, start + batchSize), options);
    // Told where it is awaited.
    decoded.catch(() => {});
    return decoded;
  };
  let next = decode(0);
  for (let start = 0; start < images.length && !signal.aborted; start += batchSize) {
    const since = performance.now();
    const decoded = await next;
    // Small images in memory are decoded in this very call.
    next = decode(start + batchSize);
    const waited = performance.now() - since;
    const pixels = decoded.flatMap((image) => ('pixels' in image ? [image.pixels] : []));
    const results =
      pixels.length === 0 ? new Float32Array() : await model.answer(input.features(Buffer.concat(pixels)));
    let at = 0;
    const classified = decoded.map((one): Classified => {
      if ('error' in one) return one;
      const { image } = one;
      const row = results.slice(at, at + output.size);
      at += output.size;
      const flaw = flawOf(row, output);
      return flaw === null ? { image, row } : { image, error: new BnError('not-finite', `${image}: ${flaw}`) };
    });
    yield { results: classified, waited };
  }
}

type Decoded = { readonly image: string; readonly pixels: Uint8Array } | Extract<Classified, { error: unknown }>;

async function decodeAll(images: readonly NamedImage[], options: DecodeImageOptions): Promise<Decoded[]> {
  const decoded = new Array<Decoded>(images.length);
  // Workers take from one queue, so that only a few files are open at a time.
  const queue = images.entries();
  const worker = async (): Promise<void> => {
    for (const [i, image] of queue) decoded[i] = await decodeOne(image, options);
  };
  await Promise.all(Array.from({ length: readers }, worker));
  return decoded;
}

async function decodeOne({ image, source }: NamedImage, options: DecodeImageOptions): Promise<Decoded> {
  try {
    return { image, pixels: await decodeImage(source, options) };
  } catch (cause) {
    if (!(cause instanceof BnError) || (cause.code !== 'file' && cause.code !== 'data')) throw cause;
    // The user finds the file by the name that was given; what is no file is called `image`.
    const message = cause.message.replace(typeof source === 'string' ? source : /^image(?=: )/, () => image);
    return { image, error: new BnError(cause.code, message, { cause }) };
  }
}
