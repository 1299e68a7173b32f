// One image file to the pixels that a network takes.

import { readFile as readFileCallback } from 'node:fs';
import { promisify } from 'node:util';
import { BnError, channelsFirst, greyOf } from '@bn/core';
import type { Sharp } from 'sharp';
import { formatNames, formatOf } from './image-formats.js';
import { readError } from './read-error.js';
import { readSmallPng } from './small-png.js';

/** That of node:fs/promises takes twice as long for a small file. */
const readFile = promisify(readFileCallback);

export type ImageSize = readonly [height: number, width: number];

export interface DecodeImageOptions {
  /** Height and width in pixels. */
  readonly size: ImageSize;
  /** 1: grey, 3: RGB; default 1. */
  readonly channels?: 1 | 3 | undefined;
  /** Light becomes dark: for dark objects on white ground, where a network knows light ones on black. Default false. */
  readonly invert?: boolean | undefined;
  /** Called with the bytes that decoding takes, before it begins; what it throws is thrown. */
  readonly admit?: ((bytes: number) => void) | undefined;
}

// A small file can claim to be a huge image, whose pixels would fill the memory.
const mostPixels = 100_000_000;
const mebibyte = 2 ** 20;
/** Bytes that decoding takes, at most. */
const mostMemory = 384 * mebibyte;
/** Bytes of pixels in a file of no size, and for each byte of it: more than DEFLATE squeezes into a byte is malice or damage. */
const [freely, perByte] = [64 * mebibyte, 1032];
/** In pixels, as in JPEG. */
const longestLine = 65_535;

/**
 * The pixels of an image (PNG, JPEG, WebP, GIF, TIFF, AVIF, BMP; the first of several), given by its path or its bytes, as
 * uint8 `[channels, height, width]`.
 *
 * The image is turned as its EXIF data says, laid on black (with `invert`, on what becomes black) where it is
 * transparent, and stretched to the size: all of it is seen and no border is invented, but proportions change unless they
 * are those of the size. An image that has the size keeps its pixels.
 *
 * Colours become grey after that, by Rec. 601 on the encoded values, as in Pillow: (299 R + 587 G + 114 B) / 1000. Of 16 bits
 * the upper 8 are taken, as in OpenCV. TIFF of floating-point or 32-bit numbers counts as 0..1 if none is outside, else as
 * 0..255 if none is, else its smallest value becomes black and its largest white.
 *
 * @throws BnError `file` when the file cannot be read, `data` when it is no such image, a damaged one or one of more than
 * 100 million pixels, or one that takes more than 384 MiB or claims more pixels than its file can hold, `unsupported` when the decoder (sharp) does not load on this machine.
 */
export async function decodeImage(source: string | Uint8Array, options: DecodeImageOptions): Promise<Uint8Array> {
  const { channels = 1, invert = false } = options;
  const { rgb } = await readPixels(source, { ...options, invert });
  return channels === 1 ? greyOf(rgb) : channelsFirst(rgb, rgb.length / 3, 3);
}

export interface Pixels {
  /** `[height, width, 3]` */
  readonly rgb: Uint8Array;
  readonly size: ImageSize;
}

type ReadingOptions = Pick<DecodeImageOptions, 'admit'> & { readonly size: ImageSize | null; readonly invert: boolean };

/** As `decodeImage`, before colours become grey; in the image's own size if `size` is null. */
export async function readPixels(
  source: string | Uint8Array,
  { size, invert, admit }: ReadingOptions,
): Promise<Pixels> {
  const name = typeof source === 'string' ? source : 'image';
  const bytes = typeof source === 'string' ? await readImage(source) : source;
  const format = requireFormat(name, bytes);
  const small = format === 'PNG' ? readSmallPng(bytes, size) : null;
  if (small) {
    admit?.(small.rgb.length);
    return invert ? { ...small, rgb: inverted(small.rgb) } : small;
  }
  const sharp = await loadSharp();
  const cost = await decoding(name, () => costOf(bytes, format, sharp));
  requireAffordable(name, bytes.length, cost);
  admit?.(cost.memory);
  return decoding(name, async () => {
    const image = format === 'BMP' ? await openBmp(bytes, sharp) : sharp(bytes, { limitInputPixels: mostPixels });
    const opaque = image.autoOrient().flatten({ background: invert ? 'white' : 'black' });
    const scaled = format === 'TIFF' ? await inBytes(opaque, sharp) : opaque;
    const sized = size ? scaled.resize(size[1], size[0], { fit: 'fill' }) : scaled;
    const { data, info } = await samples(sized, 'srgb', 'uchar');
    // Not a Buffer, of which slice() is no copy.
    const rgb = new Uint8Array(data.buffer, data.byteOffset, data.length);
    return { rgb: invert ? inverted(rgb) : rgb, size: [info.height, info.width] };
  });
}

function inverted(rgb: Uint8Array): Uint8Array {
  return rgb.map((value) => 255 - value);
}

/** What an image file says of itself. */
export interface ImageFacts {
  /** E.g. `JPEG`. */
  readonly format: string;
  /** In pixels, turned as its EXIF data says. */
  readonly size: ImageSize;
  readonly bytes: number;
}

/** Facts of an image file, without decoding its pixels (but for BMP). Throws as `decodeImage` does. */
export async function readImageFacts(file: string): Promise<ImageFacts> {
  const bytes = await readImage(file);
  const format = requireFormat(file, bytes);
  const sharp = await loadSharp();
  const { autoOrient } = await decoding(file, async () => {
    if (format === 'BMP') requireAffordable(file, bytes.length, await costOf(bytes, format, sharp));
    return (format === 'BMP' ? await openBmp(bytes, sharp) : sharp(bytes, { limitInputPixels: mostPixels })).metadata();
  });
  return { format, size: [autoOrient.height, autoOrient.width], bytes: bytes.length };
}

function requireFormat(name: string, bytes: Uint8Array): string {
  const format = formatOf(bytes);
  if (format) return format;
  // The brands of ISO 23008-12 with HEVC, which sharp's prebuilt libraries leave out.
  const isHeic = /^.{4}ftyp(hei[cx]|hev[cx]|mif1|msf1)/s.test(Buffer.from(bytes.subarray(0, 12)).toString('latin1'));
  const found = isHeic ? 'HEIC, as phones write it: export the photographs as JPEG' : 'something else';
  const problem = `expected a ${formatNames} image, got ${found}`;
  throw new BnError('data', `${name}: ${problem}; convert the image, or leave it out`);
}

/** What the decoder throws, as a BnError. */
async function decoding<T>(name: string, task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (cause) {
    // The decoder has a line for each of its complaints, often the same.
    const complaint = (cause as Error).message.split('\n')[0]!.replace(/:$/, '');
    const reason = /failOn|premature end/.test(complaint) ? 'damaged or cut off' : complaint;
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

type SharpModule = typeof import('sharp').default;

// Loaded on first use: whoever has no images to decode needs no native library.
async function loadSharp(): Promise<SharpModule> {
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

interface Cost {
  /** Bytes of the pixels. */
  readonly pixels: number;
  /** Bytes that decoding takes. */
  readonly memory: number;
}

/** By what the file says of itself, before anything is decoded. */
async function costOf(bytes: Uint8Array, format: string, sharp: SharpModule): Promise<Cost> {
  // Four channels, and a copy of them.
  if (format === 'BMP') return { pixels: 4 * bmpPixels(bytes), memory: 8 * bmpPixels(bytes) };
  const image = sharp(bytes, { limitInputPixels: mostPixels });
  const { width, height, channels, depth, isProgressive, orientation = 1 } = await image.metadata();
  const isWide = /^(float|double|u?int)$/.test(depth);
  const pixels = width * height * channels * (isWide ? 4 : /short/.test(depth) ? 2 : 1);
  const isStreamed = format === 'JPEG' || (format === 'PNG' && orientation === 1);
  // Lines that long, and numbers that are scaled, are held several times; what is progressive, with its coefficients.
  const times = width > longestLine || isWide ? 4 : isProgressive ? 3 : isStreamed ? 1 / 4 : 1;
  return { pixels, memory: pixels * times };
}

function requireAffordable(name: string, length: number, { pixels, memory }: Cost): void {
  const isImplausible = pixels > freely + perByte * length;
  if (!isImplausible && memory <= mostMemory) return;
  const reason = isImplausible
    ? `a file of ${length} bytes claims to have ${Math.ceil(pixels / mebibyte)} MiB of pixels; save it again`
    : `decoding takes ${Math.ceil(memory / mebibyte)} MiB, more than ${mostMemory / mebibyte}; make it smaller`;
  throw new BnError('data', `${name}: ${reason}, or leave it out`);
}

function bmpPixels(bytes: Uint8Array): number {
  const header = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  // Headers of 12 bytes, the oldest, have 16 bits for the width and for the height.
  const isOld = header.getUint32(14, true) === 12;
  const sides = isOld
    ? [18, 20].map((at) => header.getUint16(at, true))
    : [18, 22].map((at) => header.getInt32(at, true));
  const pixels = Math.abs(sides[0]! * sides[1]!);
  if (pixels > mostPixels) throw new Error('exceeds pixel limit');
  return pixels;
}

async function openBmp(bytes: Uint8Array, sharp: SharpModule): Promise<Sharp> {
  const { decode } = await import('@cwasm/nsbmp');
  const { data, width, height } = decode(bytes);
  return sharp(data, { raw: { width, height, channels: 4 } });
}

/** An image of floating-point numbers, or of more than 16 bits, in bytes; another as it is. */
async function inBytes(image: Sharp, sharp: SharpModule): Promise<Sharp> {
  const { depth, space } = await image.metadata();
  if (depth === 'short') throw new Error('its samples are signed numbers of 16 bits');
  if (!/^(float|double|u?int)$/.test(depth!)) return image;
  // In its own space: numbers of three channels would count as linear light.
  const { data, info } = await samples(image, space!, 'float');
  const values = new Float32Array(data.buffer, data.byteOffset, data.length / 4);
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low >= 0 && high <= 255) [low, high] = [0, high <= 1 ? 1 : 255];
  const bytes = new Uint8Array(values.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Math.round(((values[i]! - low) * 255) / (high - low));
  return sharp(bytes, { raw: { width: info.width, height: info.height, channels: info.channels } });
}

function samples(image: Sharp, space: string, depth: 'uchar' | 'float') {
  const raw = image.toColourspace(space).raw({ depth });
  return raw.toBuffer({ resolveWithObject: true });
}
