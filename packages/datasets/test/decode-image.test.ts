import { join } from 'node:path';
import { crc32, inflateSync } from 'node:zlib';
import sharp from 'sharp';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { decodeImage } from '../src/index.js';
import { temporaryFolder } from './temporary-folder.js';

/** An image of the pixels `[height, width, channels]`, interleaved. */
function image(width: number, channels: 1 | 3 | 4, pixels: readonly number[]) {
  const height = pixels.length / width / channels;
  return sharp(Uint8Array.from(pixels), { raw: { width, height, channels } });
}

/** A TIFF of one row of grey samples. */
function tiff(samples: Float32Array | Int32Array | Int16Array | Uint16Array): Buffer {
  const format = samples instanceof Float32Array ? 3 : samples instanceof Uint16Array ? 1 : 2;
  const size = samples.byteLength;
  const entries = [
    [256, samples.length],
    [257, 1],
    [258, 8 * samples.BYTES_PER_ELEMENT],
    [259, 1],
    [262, 1],
    [273, 8],
    [277, 1],
    [278, 1],
    [279, size],
    [339, format],
  ];
  const bytes = Buffer.alloc(8 + size + 2 + 12 * entries.length + 4);
  bytes.write('II*\0', 'latin1');
  bytes.writeUInt32LE(8 + size, 4);
  bytes.set(new Uint8Array(samples.buffer), 8);
  bytes.writeUInt16LE(entries.length, 8 + size);
  for (const [i, [tag, value]] of entries.entries()) {
    const at = 10 + size + 12 * i;
    bytes.writeUInt16LE(tag, at);
    bytes.writeUInt16LE(4, at + 2);
    bytes.writeUInt32LE(1, at + 4);
    bytes.writeUInt32LE(value, at + 8);
  }
  return bytes;
}

/** A BMP whose rows are as in the file, with their padding. */
function bmp(parts: {
  bits: number;
  width: number;
  height?: number;
  palette?: number[];
  rows: number[][];
  isDown?: boolean;
}): Buffer {
  const { bits, width, palette = [], rows, height = rows.length, isDown = false } = parts;
  const header = Buffer.alloc(54);
  header.write('BM');
  header.writeUInt32LE(54 + palette.length + rows.flat().length, 2);
  header.writeUInt32LE(54 + palette.length, 10);
  header.writeUInt32LE(40, 14);
  header.writeInt32LE(width, 18);
  header.writeInt32LE(isDown ? -height : height, 22);
  header.writeUInt16LE(1, 26);
  header.writeUInt16LE(bits, 28);
  header.writeUInt32LE(palette.length / 4, 46);
  return Buffer.concat([header, Uint8Array.from(palette), Uint8Array.from(rows.flat())]);
}

/** What the chunks of pixels of a PNG hold. */
function idat(png: Buffer): Buffer {
  const parts = [];
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at)) {
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT')
      parts.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)));
  }
  return Buffer.concat(parts);
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

  test("makes colours grey as Pillow's convert('L') does, and grey colours", async () => {
    const colours = [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255, 12, 200, 77, 201, 3, 99, 128, 127, 126, 1, 2, 3];
    const png = await image(8, 3, colours).png().toBuffer();
    expect([...(await decodeImage(png, { size: [1, 8] }))]).toEqual([76, 150, 29, 255, 130, 73, 127, 2]);
    const grey = await image(1, 1, [77]).toColourspace('b-w').png().toBuffer();
    expect([...(await decodeImage(grey, { size: [1, 1], channels: 3 }))]).toEqual([77, 77, 77]);
  });

  test('reads 16 bits per channel as 8', async () => {
    const png = await image(2, 1, [0, 200]).toColourspace('grey16').png().toBuffer();
    expect((await sharp(png).metadata()).depth).toBe('ushort');
    expect([...(await decodeImage(png, { size: [1, 2] }))]).toEqual([0, 200]);
    // The upper 8 bits, as OpenCV's imread takes them.
    const samples = Uint16Array.of(0, 16383, 32767, 49151, 65535, 6553);
    expect([...(await decodeImage(tiff(samples), { size: [1, 6] }))]).toEqual([0, 63, 127, 191, 255, 25]);
  });

  test.each([
    ['0..1', Float32Array.of(0, 0.25, 0.5, 1), [0, 64, 128, 255]],
    ['0..1, not reaching 1', Float32Array.of(0, 0.1, 0.2, 0.4), [0, 26, 51, 102]],
    ['0..255', Float32Array.of(0, 1.7, 100, 254.6), [0, 2, 100, 255]],
    ['any range', Float32Array.of(-100, 400, 650, 900), [0, 128, 191, 255]],
    ['whole numbers of 32 bits', Int32Array.of(0, 25_000, 50_000, 100_000), [0, 64, 128, 255]],
    ['whole numbers of 0 to 255', Int32Array.of(0, 1, 2, 255), [0, 1, 2, 255]],
  ])('scales TIFF of %s', async (_, samples, expected) => {
    expect([...(await decodeImage(tiff(samples), { size: [1, 4] }))]).toEqual(expected);
  });

  test.each([
    ['24 bits', bmp({ bits: 24, width: 2, rows: [[30, 20, 10, 31, 21, 11, 0, 0]] })],
    ['32 bits', bmp({ bits: 32, width: 2, rows: [[30, 20, 10, 0, 31, 21, 11, 0]] })],
    ['8 bits and a palette', bmp({ bits: 8, width: 2, palette: [30, 20, 10, 0, 31, 21, 11, 0], rows: [[0, 1, 0, 0]] })],
    ['4 bits and a palette', bmp({ bits: 4, width: 2, palette: [30, 20, 10, 0, 31, 21, 11, 0], rows: [[1, 0, 0, 0]] })],
  ])('reads BMP of %s', async (_, bytes) => {
    expect([...(await decodeImage(bytes, { size: [1, 2], channels: 3 }))]).toEqual([10, 11, 20, 21, 30, 31]);
  });

  test('reads BMP from the last row to the first, or the other way if the height is negative', async () => {
    const rows = [
      [1, 1, 1, 0],
      [2, 2, 2, 0],
    ];
    expect([...(await decodeImage(bmp({ bits: 24, width: 1, rows }), { size: [2, 1] }))]).toEqual([2, 1]);
    expect([...(await decodeImage(bmp({ bits: 24, width: 1, rows, isDown: true }), { size: [2, 1] }))]).toEqual([1, 2]);
  });

  test('lays transparent pixels on black', async () => {
    const png = await image(2, 4, [200, 200, 200, 0, 50, 50, 50, 255]).png().toBuffer();
    expect([...(await decodeImage(png, { size: [1, 2] }))]).toEqual([0, 50]);
  });

  test('stretches to the size', async () => {
    const png = await image(2, 1, [9, 9, 9, 9, 9, 9]).png().toBuffer();
    expect([...(await decodeImage(png, { size: [5, 4] }))]).toEqual(Array(20).fill(9));
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

  describe('of a small PNG of plain kind, whose pixels need no decoder,', () => {
    /** By a copy of the package in which the decoder does not load. */
    async function withoutSharp(bytes: Uint8Array, channels: 1 | 3, size: readonly [number, number]) {
      vi.doMock('sharp', () => {
        throw new Error('no binary');
      });
      vi.resetModules();
      const fresh = await import('../src/index.js');
      return fresh.decodeImage(bytes, { size, channels });
    }

    afterEach(() => {
      vi.doUnmock('sharp');
      vi.resetModules();
    });

    test.each([1, 3] as const)('gives what is in it, of %d channels, by every filter', async (channels) => {
      const [height, width] = [37, 53];
      // Smooth, so that each filter is the best in some row, with noise in places.
      const pixels = Array.from({ length: height * width * channels }, (_, i) => {
        const [x, y] = [Math.floor(i / channels) % width, Math.floor(i / channels / width)];
        if (y % 11 === 3) return (i * 7919) % 4;
        return (y * y + 5 * x * (y % 5) + (y % 7 === 0 ? (x * 7919) % 251 : 0) + (i % channels) * 40) % 256;
      });
      const space = channels === 1 ? 'b-w' : 'srgb';
      const png = await image(width, channels, pixels)
        .toColourspace(space)
        .png({ adaptiveFiltering: true, compressionLevel: 9 })
        .toBuffer();
      const rows = inflateSync(idat(png));
      const filters = Array.from({ length: height }, (_, y) => rows[y * (width * channels + 1)]);
      expect([...new Set(filters)].sort()).toEqual([0, 1, 2, 3, 4]);
      const planes = Array.from({ length: channels }, (_, c) => pixels.filter((_, i) => i % channels === c));
      expect([...(await withoutSharp(png, channels, [height, width]))]).toEqual(planes.flat());
    });

    test.each([
      ['of another size', (png: Buffer) => png, [4, 4]],
      ['with a wrong checksum', (png: Buffer) => png.fill(0, png.length - 17, png.length - 16), [2, 2]],
      ['that is cut off', (png: Buffer) => png.subarray(0, -12), [2, 2]],
    ] as const)('leaves one %s to the decoder', async (_, change, size) => {
      const png = await image(2, 1, [1, 2, 3, 4]).toColourspace('b-w').png().toBuffer();
      await expect(withoutSharp(change(png), 1, size)).rejects.toMatchObject({ code: 'unsupported' });
    });

    test('leaves what unpacks into more than its pixels to the decoder', async () => {
      const png = await image(2, 1, Array(4000).fill(7)).toColourspace('b-w').png().toBuffer();
      png.writeUInt32BE(2, 20);
      png.writeUInt32BE(crc32(png.subarray(12, 29)), 29);
      await expect(withoutSharp(png, 1, [2, 2])).rejects.toMatchObject({ code: 'unsupported' });
    });
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
  const size = [28, 28] as const;

  afterEach(() => {
    vi.doUnmock('sharp');
    vi.resetModules();
  });

  test('what is none of those formats, even if sharp could read it', async () => {
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
    const disguised = Buffer.concat([Buffer.from('%PDF-1.4\n'), svg]);
    for (const bytes of [svg, disguised, new Uint8Array(0)]) {
      await expect(decodeImage(bytes, { size })).rejects.toMatchObject({
        code: 'data',
        message:
          'image: expected a PNG, JPEG, WebP, GIF, TIFF, AVIF or BMP image, got something else; convert the image, or leave it out',
      });
    }
  });

  test("a phone's HEIC, saying what to do", async () => {
    const heic = Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'latin1');
    await expect(decodeImage(heic, { size })).rejects.toMatchObject({
      code: 'data',
      message: expect.stringContaining('got HEIC, as phones write it: export the photographs as JPEG'),
    });
  });

  test('a damaged image, naming the file', async () => {
    const png = await image(2, 1, [1, 2, 3, 4]).png().toBuffer();
    const file = join(await temporaryFolder({ 'a.png': png.subarray(0, 40) }), 'a.png');
    await expect(decodeImage(file, { size })).rejects.toMatchObject({
      code: 'data',
      message: expect.stringMatching(/a\.png: not a readable image \(.+\); repair it, or leave it out$/),
    });
  });

  test('a photograph that is cut off, as a broken download is', async () => {
    const { data } = await image(1, 1, [1, 2, 3, 4]).resize(64, 64).jpeg().toBuffer({ resolveWithObject: true });
    const half = data.subarray(0, data.length - 40);
    await expect(decodeImage(half, { size })).rejects.toThrow('image: not a readable image (damaged or cut off)');
  });

  test('TIFF of signed 16-bit numbers, which would be cut off at 0', async () => {
    await expect(decodeImage(tiff(Int16Array.of(-1, 1)), { size })).rejects.toThrow(
      'image: not a readable image (its samples are signed numbers of 16 bits)',
    );
  });

  test('a small file that would fill the memory', async () => {
    const bomb = await image(1, 1, [0]).png().toBuffer();
    // The header of a PNG: from byte 12 its name, width and height, …, from byte 29 the checksum of that.
    bomb.writeUInt32BE(20_000, 16);
    bomb.writeUInt32BE(5_001, 20);
    bomb.writeUInt32BE(crc32(bomb.subarray(12, 29)), 29);
    const huge = bmp({ bits: 1, width: 20_000, height: 5_001, palette: Array(8).fill(0), rows: [] });
    for (const bytes of [bomb, huge]) {
      await expect(decodeImage(bytes, { size })).rejects.toMatchObject({
        code: 'data',
        message: 'image: the image has more than 100 million pixels; make it smaller, or leave it out',
      });
    }
  });

  test('what would take much memory, by its header', async () => {
    const flat = (width: number, height: number) =>
      sharp({ create: { width, height, channels: 3, background: '#123' } });
    const implausible = await flat(6000, 4000).webp({ lossless: true, effort: 0 }).toBuffer();
    const progressive = await flat(7000, 7000).jpeg({ progressive: true }).toBuffer();
    const wide = bmp({ bits: 1, width: 51_000_000, height: 1, palette: Array(8).fill(0), rows: [] });
    await expect(decodeImage(implausible, { size })).rejects.toThrow(
      /^image: a file of \d+ bytes claims to have 69 MiB of pixels; save it again, or leave it out$/,
    );
    await expect(decodeImage(progressive, { size })).rejects.toThrow(
      'image: decoding takes 421 MiB, more than 384; make it smaller, or leave it out',
    );
    await expect(decodeImage(wide, { size })).rejects.toThrow(/claims to have 195 MiB/);
    const told: number[] = [];
    const admit = (bytes: number) => {
      told.push(bytes);
      throw new RangeError('not now');
    };
    const png = await flat(100, 40).png().toBuffer();
    await expect(decodeImage(png, { size, admit })).rejects.toThrow(RangeError);
    expect(told).toEqual([3000]);
  });

  test('a missing file', async () => {
    const file = join(await temporaryFolder(), 'a.png');
    await expect(decodeImage(file, { size })).rejects.toMatchObject({
      code: 'file',
      message: `${file}: no such file or folder; give the path of an image`,
    });
  });

  test('what only sharp reads, on a machine where it does not load', async () => {
    const png = await image(1, 1, [1]).jpeg().toBuffer();
    vi.doMock('sharp', () => {
      throw new Error('no binary');
    });
    vi.resetModules();
    const fresh = await import('../src/index.js');
    await expect(fresh.decodeImage(png, { size })).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringMatching(
        /decoding images needs the package sharp, which does not load here \([\s\S]+\); install/,
      ),
    });
  });
});
