// One PNG or JPEG image to the pixels that a network takes.

import { readFile } from 'node:fs/promises';
import { BnError } from '@bn/core';
import { readError } from './read-error.js';

export interface DecodeImageOptions {
  /** Height and width in pixels; default [28, 28]. */
  readonly size?: readonly [height: number, width: number];
  /** 1: grey, 3: RGB; default 1. */
  readonly channels?: 1 | 3;
}

/**
 * The pixels of a PNG or JPEG image, given by its path or its bytes, as uint8 `[channels, height, width]`.
 *
 * The image is turned as its EXIF data says, laid on black where it is transparent, and stretched to the size: all of
 * it is seen and no border is invented, but proportions change unless they are those of the size. An image that has the
 * size keeps its pixels.
 *
 * @throws BnError `file` when the file cannot be read, `data` when it is no PNG or JPEG image or a damaged one,
 * `unsupported` when the decoder (sharp) does not load on this machine.
 */
export async function decodeImage(source: string | Uint8Array, options: DecodeImageOptions = {}): Promise<Uint8Array> {
  const { size: [height, width] = [28, 28], channels = 1 } = options;
  const name = typeof source === 'string' ? source : 'image';
  const bytes = typeof source === 'string' ? await readImage(source) : source;
  if (!isPngOrJpeg(bytes)) {
    throw new BnError(
      'data',
      `${name}: expected a PNG or JPEG image, got something else; convert the image, or leave it out`,
    );
  }
  const sharp = await loadSharp();
  try {
    const interleaved = await sharp(bytes)
      .autoOrient()
      .flatten()
      .resize(width, height, { fit: 'fill' })
      .toColourspace(channels === 1 ? 'b-w' : 'srgb')
      .raw({ depth: 'uchar' })
      .toBuffer();
    return planar(interleaved, channels);
  } catch (cause) {
    throw new BnError(
      'data',
      `${name}: not a readable image (${(cause as Error).message}); repair it, or leave it out`,
      { cause },
    );
  }
}

async function readImage(file: string): Promise<Uint8Array> {
  return readFile(file).catch((cause: unknown) => {
    throw readError(file, cause, 'a PNG or JPEG image');
  });
}

// sharp would also take SVG and other formats, which a server fed by strangers had better not try.
function isPngOrJpeg(bytes: Uint8Array): boolean {
  const start = Buffer.from(bytes.subarray(0, 4)).toString('hex');
  return start === '89504e47' || start.startsWith('ffd8ff');
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
