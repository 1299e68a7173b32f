// An image in memory, as canvases of browsers have it, to the pixels that models take: as `decodeImage` of @bn/datasets does.

import { resize } from './resize.js';

/** Like `ImageData` of browsers: RGBA, a byte each, row by row. */
export interface RgbaImage {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

export interface PixelOptions {
  readonly channels: 1 | 3;
  readonly height: number;
  readonly width: number;
  /** Light becomes dark: for dark objects on white ground, where a network knows light ones on black. Default false. */
  readonly invert?: boolean | undefined;
}

/**
 * The pixels as uint8 `[channels, height, width]`: laid on black (with `invert`, on what becomes black) where the image is
 * transparent, stretched to the size, then grey by Rec. 601 if one channel is wanted.
 */
export function pixelsOf(image: RgbaImage, { channels, height, width, invert = false }: PixelOptions): Uint8Array {
  const opaque = new Uint8Array(3 * image.width * image.height);
  const ground = invert ? 255 : 0;
  for (let to = 0, from = 0; to < opaque.length; to += 3, from += 4) {
    const alpha = image.data[from + 3]! / 255;
    for (let c = 0; c < 3; c++) opaque[to + c] = image.data[from + c]! * alpha + ground * (1 - alpha);
  }
  const sized = resize(opaque, [image.height, image.width], [height, width]);
  const rgb = invert ? sized.map((value) => 255 - value) : sized;
  return channels === 1 ? greyOf(rgb) : channelsFirst(rgb, height * width, 3);
}

/** Pillow's integers: a grey image keeps its values. */
export function greyOf(rgb: Uint8Array): Uint8Array {
  const grey = new Uint8Array(rgb.length / 3);
  for (let i = 0, at = 0; i < grey.length; i++, at += 3) {
    grey[i] = (rgb[at]! * 19595 + rgb[at + 1]! * 38470 + rgb[at + 2]! * 7471 + 0x8000) >> 16;
  }
  return grey;
}

/** Each image of `[area, channels]` to `[channels, area]`. */
export function channelsFirst<T extends Uint8Array | Float32Array>(data: T, area: number, channels: number): T {
  const result = data.slice() as T;
  for (let start = 0; start < data.length; start += area * channels) {
    for (let i = 0; i < area; i++) {
      for (let c = 0; c < channels; c++) result[start + c * area + i] = data[start + i * channels + c]!;
    }
  }
  return result;
}
