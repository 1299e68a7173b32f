// One image file to the pixels that a network takes.

import { readFile } from 'node:fs/promises';
import { BnError } from '@bn/core';
import { formatNames, looksLikeImage } from './image-formats.js';
import { readError } from './read-error.js';

export interface DecodeImageOptions {
  /** Height and width in pixels; default [28, 28]. */
  readonly size?: readonly [height: number, width: number];
  /** 1: grey, 3: RGB; default 1. */
  readonly channels?: 1 | 3;
  /** Light becomes dark: for dark objects on white ground, where a network knows light ones on black. Default false. */
  readonly invert?: boolean;
}

/** A small file can claim to be a huge image, whose pixels would fill the memory. */
const mostPixels = 100_000_000;

/**
 * The pixels of an image (PNG, JPEG, WebP, GIF, TIFF, AVIF; the first of several), given by its path or its bytes, as
 * uint8 `[channels, height, width]`.
 *
 * The image is turned as its EXIF data says, laid on black (with `invert`, on what becomes black) where it is
 * transparent, and stretched to the size: all of it is seen and no border is invented, but proportions change unless they
 * are those of the size. An image that has the size keeps its pixels.
 *
 * @throws BnError `file` when the file cannot be read, `data` when it is no such image, a damaged one or one of more than
 * 100 million pixels, `unsupported` when the decoder (sharp) does not load on this machine.
 */
export async function decodeImage(source: string | Uint8Array, options: DecodeImageOptions = {}): Promise<Uint8Array> {
  const { size: [height, width] = [28, 28], channels = 1, invert = false } = options;
  const name = typeof source === 'string' ? source : 'image';
  const bytes = typeof source === 'string' ? await readImage(source) : source;
  if (!looksLikeImage(bytes)) {
    throw new BnError(
      'data',
      `${name}: expected a ${formatNames} image, got something else; convert the image, or leave it out`,
    );
  }
  const sharp = await loadSharp();
  try {
    const interleaved = await sharp(bytes, { limitInputPixels: mostPixels })
      .autoOrient()
      .flatten({ background: invert ? 'white' : 'black' })
      .resize(width, height, { fit: 'fill' })
      .toColourspace(channels === 1 ? 'b-w' : 'srgb')
      .raw({ depth: 'uchar' })
      .toBuffer();
    return planar(invert ? interleaved.map((value) => 255 - value) : interleaved, channels);
  } catch (cause) {
    // The decoder has a line for each of its complaints, often the same.
    const reason = (cause as Error).message.split('\n')[0]!.replace(/:$/, '');
    const problem = /exceeds pixel limit/.test(reason)
      ? `the image has more than ${mostPixels / 1e6} million pixels; make it smaller`
      : `not a readable image (${reason}); repair it`;
    throw new BnError('data', `${name}: ${problem}, or leave it out`, { cause });
  }
}

async function readImage(file: string): Promise<Uint8Array> {
  return readFile(file).catch((cause: unknown) => {
    throw readError(file, cause, 'an image');
  });
}

// Loaded on first use: whoever has no images to decode needs no native library.
async function loadSharp(): Promise<typeof import('sharp').default> {
  try {
    return (await import('sharp')).default;
  } catch (cause) {
    throw new BnError(
      'unsupported',
      `decoding images needs the package sharp, which does not load here (${(cause as Error).message}); install it for this platform: npm install --include=optional sharp`,
      { cause },
    );
  }
}

/** `[height, width, channels]` to `[channels, height, width]`. */
function planar(interleaved: Uint8Array, channels: number): Uint8Array {
  const pixels = new Uint8Array(interleaved.length);
  const area = pixels.length / channels;
  for (let i = 0; i < area; i++) {
    for (let channel = 0; channel < channels; channel++) {
      pixels[channel * area + i] = interleaved[i * channels + channel];
    }
  }
  return pixels;
}
