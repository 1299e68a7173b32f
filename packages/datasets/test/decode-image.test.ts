import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import sharp from 'sharp';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { decodeImage } from '../src/index.js';
import { temporaryFolder } from './temporary-folder.js';

/** An image of the pixels `[height, width, channels]`, interleaved. */
function image(width: number, channels: 1 | 3 | 4, pixels: readonly number[]) {
  const height = pixels.length / width / channels;
  return sharp(Uint8Array.from(pixels), { raw: { width, height, channels } });
}

describe('decodeImage', () => {
  test('keeps the pixels of a grey image that has the size', async () => {
    const png = await image(3, 1, [0, 1, 2, 100, 254, 255]).toColourspace('b-w').png().toBuffer();
    expect([...(await decodeImage(png, { size: [2, 3] }))]).toEqual([0, 1, 2, 100, 254, 255]);
  });

  test('gives colours one channel after another', async () => {
    const png = await image(2, 3, [10, 20, 30, 11, 21, 31]).png().toBuffer();
    expect([...(await decodeImage(png, { size: [1, 2], channels: 3 }))]).toEqual([10, 11, 20, 21, 30, 31]);
  });

  test('makes colours grey, and grey colours', async () => {
    const colour = await image(2, 3, [255, 255, 255, 0, 255, 0]).png().toBuffer();
    const [white, green] = await decodeImage(colour, { size: [1, 2] });
    expect(white).toBe(255);
    expect(green).toBeGreaterThan(128); // green is brighter than the mean of the channels
    expect(green).toBeLessThan(255);
    const grey = await image(1, 1, [77]).toColourspace('b-w').png().toBuffer();
    expect([...(await decodeImage(grey, { size: [1, 1], channels: 3 }))]).toEqual([77, 77, 77]);
  });

  test('reads 16 bits per channel as 8', async () => {
    const png = await image(2, 1, [0, 200]).toColourspace('grey16').png().toBuffer();
    expect((await sharp(png).metadata()).depth).toBe('ushort');
    expect([...(await decodeImage(png, { size: [1, 2] }))]).toEqual([0, 200]);
  });

  test('lays transparent pixels on black', async () => {
    const png = await image(2, 4, [200, 200, 200, 0, 50, 50, 50, 255]).png().toBuffer();
    expect([...(await decodeImage(png, { size: [1, 2] }))]).toEqual([0, 50]);
  });

  test('stretches to the size, 28 by 28 if none is given', async () => {
    const png = await image(2, 1, [9, 9, 9, 9, 9, 9]).png().toBuffer();
    expect([...(await decodeImage(png))]).toEqual(Array(28 * 28).fill(9));
  });

  test.each(['webp', 'gif', 'tiff', 'avif'] as const)('reads %s', async (format) => {
    const bytes = await image(8, 3, Array(8 * 8 * 3).fill(120))
      .toFormat(format)
      .toBuffer();
    for (const pixel of await decodeImage(bytes, { size: [2, 2], channels: 3 })) {
      expect(Math.abs(pixel - 120)).toBeLessThan(3);
    }
  });

  test('inverts on request, and then lays transparent pixels on what becomes black', async () => {
    const png = await image(2, 4, [200, 200, 200, 0, 50, 50, 50, 255]).png().toBuffer();
    expect([...(await decodeImage(png, { size: [1, 2], invert: true }))]).toEqual([0, 205]);
  });

  test('reads a JPEG file, turned as its EXIF data says', async () => {
    const jpeg = await image(
      16,
      1,
      Array.from({ length: 256 }, (_, i) => (i % 16 < 8 ? 0 : 255)),
    )
      .withMetadata({ orientation: 3 }) // upside down: left and right exchanged
      .jpeg({ quality: 100 })
      .toBuffer();
    const folder = await temporaryFolder({ 'a.jpg': jpeg });
    const pixels = await decodeImage(join(folder, 'a.jpg'), { size: [16, 16] });
    expect(pixels[0]).toBeGreaterThan(250);
    expect(pixels[15]).toBeLessThan(5);
  });
});

describe('decodeImage refuses', () => {
  afterEach(() => {
    vi.doUnmock('sharp');
    vi.resetModules();
  });

  test('what is none of those formats, even if sharp could read it', async () => {
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
    const disguised = Buffer.concat([Buffer.from('%PDF-1.4\n'), svg]);
    for (const bytes of [svg, disguised, new Uint8Array(0)]) {
      await expect(decodeImage(bytes)).rejects.toMatchObject({
        code: 'data',
        message:
          'image: expected a PNG, JPEG, WebP, GIF, TIFF or AVIF image, got something else; convert the image, or leave it out',
      });
    }
  });

  test('a damaged image, naming the file', async () => {
    const png = await image(2, 1, [1, 2, 3, 4]).png().toBuffer();
    const file = join(await temporaryFolder({ 'a.png': png.subarray(0, 40) }), 'a.png');
    await expect(decodeImage(file)).rejects.toMatchObject({
      code: 'data',
      message: expect.stringMatching(/a\.png: not a readable image \(.+\); repair it, or leave it out$/),
    });
  });

  test('a small file that would fill the memory', async () => {
    const bomb = await image(1, 1, [0]).png().toBuffer();
    // The header of a PNG: from byte 12 its name, width and height, …, from byte 29 the checksum of that.
    bomb.writeUInt32BE(20_000, 16);
    bomb.writeUInt32BE(5_001, 20);
    bomb.writeUInt32BE(crc32(bomb.subarray(12, 29)), 29);
    await expect(decodeImage(bomb)).rejects.toMatchObject({
      code: 'data',
      message: 'image: the image has more than 100 million pixels; make it smaller, or leave it out',
    });
  });

  test('a missing file', async () => {
    const file = join(await temporaryFolder(), 'a.png');
    await expect(decodeImage(file)).rejects.toMatchObject({
      code: 'file',
      message: `${file}: no such file or folder; give the path of an image`,
    });
  });

  test('everything on a machine where sharp does not load', async () => {
    const png = await image(1, 1, [1]).png().toBuffer();
    vi.doMock('sharp', () => {
      throw new Error('no binary');
    });
    vi.resetModules();
    const fresh = await import('../src/index.js');
    await expect(fresh.decodeImage(png)).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringMatching(
        /decoding images needs the package sharp, which does not load here \([\s\S]+\); install/,
      ),
    });
  });
});
