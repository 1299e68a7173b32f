// Pictures of a data set as PNG within a page: one, or several in a sheet.

import type { Dataset } from '@bn/core';
import { encode } from 'fast-png';

export interface Picture {
  readonly features: ArrayLike<number>;
  /** `[channels, height, width]` */
  readonly shape: readonly number[];
}

/** Whether examples of this shape can be shown: grey or RGB. */
export function isPicture(shape: readonly (number | null)[]): boolean {
  return shape.length === 3 && (shape[0] === 1 || shape[0] === 3);
}

/** A copy of an example's features, which a data set may write over. */
export function pictureOf(data: Dataset, index: number): Picture {
  const { features } = data.get(index);
  const copy = data.features.dtype === 'uint8' ? Uint8Array.from(features) : Float32Array.from(features);
  return { features: copy, shape: data.features.shape as number[] };
}

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
    const pixels = features instanceof Uint8Array ? features : stretch(features);
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

/** From 0..1 to 0..255; from a wider range, e.g. of standardized pixels, where there is one. */
function stretch(features: ArrayLike<number>): Uint8Array {
  const values = Float32Array.from(features);
  const least = values.reduce((a, b) => Math.min(a, b), 0);
  const greatest = values.reduce((a, b) => Math.max(a, b), 1);
  return Uint8Array.from(values, (value) => Math.round((255 * (value - least)) / (greatest - least)));
}
