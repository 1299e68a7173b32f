// Small PNG files of the plainest kinds. The decoder of all images takes 750 µs for 28 × 28 pixels, nearly all of it for its
// pipeline, where unpacking takes 10: a folder of such images is read ten times as fast here.

import { crc32, inflateSync } from 'node:zlib';
import type { ImageSize, Pixels } from './decode-image.js';

/** Above this many pixels, the decoder's own threads are faster. */
const mostPixels = 128 * 128;

/** What a file may hold besides pixels without a change of how they look. */
const harmless = ['IEND', 'pHYs', 'tEXt', 'tIME'];

/**
 * The pixels of a PNG of at most 128 × 128 pixels, of 8 bits, grey or RGB, without interlacing, transparency, profile or
 * orientation; null for all other files, and for damaged ones.
 *
 * @param size the only one that is taken; null for any
 * @see https://www.w3.org/TR/png-3/ for the format
 */
export function readSmallPng(bytes: Uint8Array, size: ImageSize | null): Pixels | null {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  // Signature, then IHDR: length, type, width, height, depth, colour type, compression, filter, interlacing.
  if (file.length < 33 || file.toString('latin1', 12, 16) !== 'IHDR') return null;
  const [width, height, depth, colour] = [file.readUInt32BE(16), file.readUInt32BE(20), file[24], file[25]];
  const isPlain = depth === 8 && (colour === 0 || colour === 2) && !file.subarray(26, 29).some((byte) => byte !== 0);
  if (!isPlain || width * height > mostPixels) return null;
  if (size && (size[0] !== height || size[1] !== width)) return null;
  const packed = packedPixels(file);
  const channels = colour === 0 ? 1 : 3;
  const filtered = packed && unpacked(packed, height * (1 + width * channels));
  if (!filtered) return null;
  const samples = unfiltered(filtered, height, width * channels, channels);
  if (!samples) return null;
  return { rgb: channels === 3 ? samples : inColour(samples), size: [height, width] };
}

function inColour(grey: Uint8Array): Uint8Array {
  const rgb = new Uint8Array(3 * grey.length);
  for (let i = 0; i < rgb.length; i++) rgb[i] = grey[Math.floor(i / 3)]!;
  return rgb;
}

/** What the chunks of pixels hold together; null if there are chunks of unknown meaning, or the file is not whole. */
function packedPixels(file: Buffer): Buffer | null {
  const parts: Buffer[] = [];
  let type = '';
  for (let at = 8; at < file.length; ) {
    if (at + 12 > file.length) return null;
    const end = at + 8 + file.readUInt32BE(at);
    if (end + 4 > file.length || crc32(file.subarray(at + 4, end)) !== file.readUInt32BE(end)) return null;
    type = file.toString('latin1', at + 4, at + 8);
    if (type === 'IDAT') parts.push(file.subarray(at + 8, end));
    else if (!harmless.includes(type) && (type !== 'IHDR' || at !== 8)) return null;
    at = end + 4;
  }
  return type === 'IEND' ? Buffer.concat(parts) : null;
}

/** Never more than `length` bytes, whatever the file unpacks into. */
function unpacked(packed: Buffer, length: number): Buffer | null {
  try {
    const bytes = inflateSync(packed, { chunkSize: Math.max(64, length + 1), maxOutputLength: length });
    return bytes.length === length ? bytes : null;
  } catch {
    return null;
  }
}

/**
 * The samples of rows that each begin with the number of a filter, which predicts a byte from those to the left, above, and
 * above to the left. Section 9 of the specification.
 *
 * @param step bytes between a sample and its neighbour
 */
function unfiltered(rows: Buffer, height: number, length: number, step: number): Uint8Array | null {
  const samples = new Uint8Array(height * length);
  for (let y = 0; y < height; y++) {
    const [from, to] = [y * (length + 1) + 1, y * length];
    const filter = rows[from - 1]!;
    if (filter > 4) return null;
    for (let x = 0; x < length; x++) {
      const left = x >= step ? samples[to + x - step]! : 0;
      const above = y > 0 ? samples[to + x - length]! : 0;
      const corner = x >= step && y > 0 ? samples[to + x - length - step]! : 0;
      samples[to + x] = rows[from + x]! + predicted(filter, left, above, corner);
    }
  }
  return samples;
}

function predicted(filter: number, left: number, above: number, corner: number): number {
  if (filter === 0) return 0;
  if (filter === 1) return left;
  if (filter === 2) return above;
  if (filter === 3) return (left + above) >> 1;
  const estimate = left + above - corner;
  const toLeft = Math.abs(estimate - left);
  const toAbove = Math.abs(estimate - above);
  const toCorner = Math.abs(estimate - corner);
  if (toLeft <= toAbove && toLeft <= toCorner) return left;
  return toAbove <= toCorner ? above : corner;
}
