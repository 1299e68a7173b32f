// Image files through a model, in batches; one that cannot be read does not stop the others.

import { resolve } from 'node:path';
import { BnError } from '@bn/core';
import { type DecodeImageOptions, decodeImage } from '@bn/datasets';
import { imageInput } from '../model/image-input.js';
import type { OpenedModel } from '../model/open-model.js';
import { flawOf } from './flaw.js';

/** What became of an image: the model's answer, or why there is none. */
export type Classified =
  | { readonly image: string; readonly row: Float32Array }
  | { readonly image: string; readonly error: BnError };

export interface ClassifyOptions {
  readonly workingFolder: string;
  /** See `decodeImage`. */
  readonly invert: boolean;
  /** Ends the work after the batch that it is at. */
  readonly signal: AbortSignal;
}

const batchSize = 64;

/** Images that are read and decoded at a time. */
const readers = 8;

/** @returns batch by batch what became of the images, in their order */
export async function* classifyImages(
  model: OpenedModel,
  images: readonly string[],
  { workingFolder, invert, signal }: ClassifyOptions,
): AsyncGenerator<readonly Classified[]> {
  const { output } = model.signature;
  const input = imageInput(model.name, model.signature);
  const { channels, height, width } = input;
  const decode = { channels, size: [height, width], invert } as const;
  for (let start = 0; start < images.length && !signal.aborted; start += batchSize) {
    const decoded = await decodeAll(images.slice(start, start + batchSize), workingFolder, decode);
    const pixels = decoded.flatMap((image) => ('pixels' in image ? [image.pixels] : []));
    const results =
      pixels.length === 0 ? new Float32Array() : await model.answer(input.features(Buffer.concat(pixels)));
    let at = 0;
    yield decoded.map((one): Classified => {
      if ('error' in one) return one;
      const { image } = one;
      const row = results.slice(at, at + output.size);
      at += output.size;
      const flaw = flawOf(row, output);
      return flaw === null ? { image, row } : { image, error: new BnError('not-finite', `${image}: ${flaw}`) };
    });
  }
}

type Decoded = { readonly image: string; readonly pixels: Uint8Array } | Extract<Classified, { error: unknown }>;

async function decodeAll(images: readonly string[], folder: string, options: DecodeImageOptions): Promise<Decoded[]> {
  const decoded = new Array<Decoded>(images.length);
  // Workers take from one queue, so that only a few files are open at a time.
  const queue = images.entries();
  const worker = async (): Promise<void> => {
    for (const [i, image] of queue) decoded[i] = await decodeOne(image, folder, options);
  };
  await Promise.all(Array.from({ length: readers }, worker));
  return decoded;
}

async function decodeOne(image: string, folder: string, options: DecodeImageOptions): Promise<Decoded> {
  const path = resolve(folder, image);
  try {
    return { image, pixels: await decodeImage(path, options) };
  } catch (cause) {
    if (!(cause instanceof BnError) || (cause.code !== 'file' && cause.code !== 'data')) throw cause;
    // The user finds the file by the name that was given.
    const message = cause.message.replace(path, () => image);
    return { image, error: new BnError(cause.code, message, { cause }) };
  }
}
