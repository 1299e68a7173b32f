// Images in memory become what `decodeImage` makes of files: pages predict from the one, training learns from the other.

import { type PixelOptions, pixelsOf, type RgbaImage } from '@bn/core';
import { decodeImage } from '@bn/datasets';
import sharp from 'sharp';
import { expect, test } from 'vitest';

/** A picture with waves, edges and grain, and a transparent corner; as a file without loss, and in memory. */
async function picture(width: number, height: number): Promise<{ file: Uint8Array; image: RgbaImage }> {
  const data = new Uint8Array(width * height * 4);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const edge = ((x >> 4) ^ (y >> 5)) & 1 ? 40 : -40;
      for (let c = 0; c < 3; c++) data[at++] = 128 + edge + 50 * Math.sin(x / (7 + c)) + ((x * 7919 + y * 31) % 37);
      data[at++] = x + y < width / 3 ? 90 : 255;
    }
  }
  const file = await sharp(data, { raw: { width, height, channels: 4 } })
    .png()
    .toBuffer();
  return { file, image: { data, width, height } };
}

test.each([
  ['of the size, to the last bit', 40, 30, 0, {}],
  ['smaller', 70, 50, 2, {}],
  ['much smaller, by boxes first', 403, 301, 2, {}],
  ['larger', 20, 16, 2, {}],
  ['higher and narrower, where everything moves by half a pixel', 100, 20, 2, {}],
  ['in colour', 333, 97, 2, { channels: 3 }],
  ['dark on light', 70, 50, 2, { invert: true }],
] as const)('%s', async (_, width, height, most, more) => {
  const { file, image } = await picture(width, height);
  const options: PixelOptions = { channels: 1, height: 30, width: 40, ...more };
  const pixels = pixelsOf(image, options);
  const expected = await decodeImage(file, { ...options, size: [30, 40] });
  expect(pixels).toHaveLength(expected.length);
  const errors = Array.from(expected, (value, i) => Math.abs(value - pixels[i]!));
  expect(Math.max(...errors)).toBeLessThanOrEqual(most);
  expect(Math.max(...expected) - Math.min(...expected), 'there is something to see').toBeGreaterThan(80);
});
