// Pictures of a data set as PNG within a page: one, several in a sheet, or one beneath a map of heat.

import { encode } from 'fast-png';
import type { Picture } from './picture.js';

/** A data URL. */
export function pngUrl(picture: Picture): string {
  return sheetUrl([picture], 1, 0);
}

/** Pictures of one shape in rows of `columns`, `gap` transparent pixels between them, as a data URL. */
export function sheetUrl(pictures: readonly Picture[], columns: number, gap: number): string {
  const [channels, height, width] = pictures[0]!.shape as readonly [number, number, number];
  const sheet = {
    width: columns * (width + gap) - gap,
    height: Math.ceil(pictures.length / columns) * (height + gap) - gap,
  };
  // Without gaps nothing is transparent.
  const samples = gap === 0 ? channels : 4;
  const data = new Uint8Array(sheet.width * sheet.height * samples);
  for (const [i, { features }] of pictures.entries()) {
    const pixels = inBytes(features);
    const [top, left] = [Math.floor(i / columns) * (height + gap), (i % columns) * (width + gap)];
    for (let at = 0; at < height * width; at++) {
      const to = ((top + Math.floor(at / width)) * sheet.width + left + (at % width)) * samples;
      for (let sample = 0; sample < samples; sample++) {
        const channel = samples === 4 && channels === 1 ? 0 : sample;
        data[to + sample] = sample === 3 ? 255 : pixels[channel * height * width + at]!;
      }
    }
  }
  return `data:image/png;base64,${Buffer.from(encode({ ...sheet, channels: samples, data })).toString('base64')}`;
}

/** A picture in grey, coloured by how large the map is at each place in relation to its largest value: as RGB. */
export function heated(
  { features, shape }: Picture,
  map: { readonly values: Float32Array; readonly height: number; readonly width: number },
): Picture {
  const [channels, height, width] = shape as readonly [number, number, number];
  const pixels = inBytes(features);
  const area = height * width;
  const result = new Uint8Array(3 * area);
  const greatest = map.values.reduce((a, b) => Math.max(a, b), 0) || 1;
  for (let at = 0; at < area; at++) {
    const heat = interpolated(map, (Math.floor(at / width) + 0.5) / height, ((at % width) + 0.5) / width) / greatest;
    let grey = 0;
    for (let channel = 0; channel < channels; channel++) grey += pixels[channel * area + at]! / channels;
    // From the picture itself to red, and where it is hottest to yellow.
    for (const [channel, colour] of [255, 255 * Math.max(0, 2 * heat - 1), 0].entries()) {
      result[channel * area + at] = Math.round(grey + (colour - grey) * 0.7 * heat);
    }
  }
  return { features: result, shape: [3, height, width] };
}

/** The same picture as RGB. */
export function inColour({ features, shape }: Picture): Picture {
  if (shape[0] === 3) return { features, shape };
  const pixels = inBytes(features);
  const rgb = new Uint8Array(3 * pixels.length);
  for (let channel = 0; channel < 3; channel++) rgb.set(pixels, channel * pixels.length);
  return { features: rgb, shape: [3, ...shape.slice(1)] };
}

/** Of a map, at a place in shares of its height and width, linearly between the middles of its cells. */
function interpolated(
  { values, height, width }: { readonly values: Float32Array; readonly height: number; readonly width: number },
  down: number,
  right: number,
): number {
  const place = (share: number, size: number) => {
    const at = Math.min(Math.max(share * size - 0.5, 0), size - 1);
    return [Math.floor(at), Math.min(Math.floor(at) + 1, size - 1), at % 1] as const;
  };
  const [top, bottom, y] = place(down, height);
  const [left, end, x] = place(right, width);
  const row = (i: number) => values[i * width + left]! * (1 - x) + values[i * width + end]! * x;
  return row(top) * (1 - y) + row(bottom) * y;
}

function inBytes(features: ArrayLike<number>): Uint8Array {
  return features instanceof Uint8Array ? features : stretch(features);
}

/** From 0..1 to 0..255; from a wider range, e.g. of standardized pixels, where there is one. */
function stretch(features: ArrayLike<number>): Uint8Array {
  const values = Float32Array.from(features);
  const least = values.reduce((a, b) => Math.min(a, b), 0);
  const greatest = values.reduce((a, b) => Math.max(a, b), 1);
  return Uint8Array.from(values, (value) => Math.round((255 * (value - least)) / (greatest - least)));
}
