import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { loadImageFolder } from '../src/index.js';
import { allOf } from './all-of.js';
import { temporaryFolder } from './temporary-folder.js';

function grey(value: number) {
  return sharp(Uint8Array.of(value), { raw: { width: 1, height: 1, channels: 1 } }).toColourspace('b-w');
}

const png = (value: number) => grey(value).png().toBuffer();

describe('loadImageFolder', () => {
  test('makes a class of each folder, sorted by name; ignores other files and hidden folders', async () => {
    const folder = await temporaryFolder({
      'shirt/2.png': await png(22),
      'shirt/1.PNG': await png(21),
      'shirt/notes.txt': 'no image',
      'bag/a.jpeg': await grey(10).jpeg({ quality: 100 }).toBuffer(),
      'bag/b.TIFF': await grey(30).tiff().toBuffer(),
      '.cache/': '',
      'README.md': 'no class',
    });
    const dataset = await loadImageFolder(folder, { size: [1, 1] });
    expect(dataset.classNames).toEqual(['bag', 'shirt']);
    expect(dataset.features).toEqual({ shape: [1, 1, 1], dtype: 'uint8' });
    expect(allOf(dataset)).toEqual({ features: [10, 30, 21, 22], labels: [0, 0, 1, 1] });
  });

  test('loads colour images of 28 by 28 pixels', async () => {
    const dataset = await loadImageFolder(await temporaryFolder({ 'a/1.png': await png(5) }), { channels: 3 });
    expect(dataset.features.shape).toEqual([3, 28, 28]);
    expect(allOf(dataset).features).toEqual(Array(3 * 28 * 28).fill(5));
  });
});

describe('loadImageFolder refuses', () => {
  test('a folder without classes', async () => {
    const folder = await temporaryFolder({ '1.png': await png(1) });
    await expect(loadImageFolder(folder)).rejects.toMatchObject({
      code: 'data',
      message: `${folder}: expected one subfolder per class, found none; put each class's images into a folder of its own`,
    });
  });

  test('a class without images', async () => {
    const folder = await temporaryFolder({ 'a/1.png': await png(1), 'b/': '' });
    await expect(loadImageFolder(folder)).rejects.toMatchObject({
      code: 'data',
      message: `${join(folder, 'b')}: expected PNG, JPEG, WebP, GIF, TIFF or AVIF images of a class, found none; add images or remove the folder`,
    });
  });

  test('an unreadable image, naming it', async () => {
    const folder = await temporaryFolder({ 'a/1.png': await png(1), 'a/2.png': 'no image' });
    await expect(loadImageFolder(folder)).rejects.toMatchObject({
      code: 'data',
      message: expect.stringContaining(
        `${join(folder, 'a', '2.png')}: expected a PNG, JPEG, WebP, GIF, TIFF or AVIF image`,
      ),
    });
  });

  test('a missing folder', async () => {
    const folder = join(await temporaryFolder(), 'no');
    await expect(loadImageFolder(folder)).rejects.toMatchObject({
      code: 'file',
      message: `${folder}: no such file or folder; give the path of a folder with one subfolder of images per class`,
    });
  });

  test.each([{ size: [0, 28] as const }, { size: [28, 1.5] as const }, { channels: 2 as 1 }])('%o', async (options) => {
    await expect(loadImageFolder('unread', options)).rejects.toMatchObject({
      code: 'argument',
      message: expect.stringContaining('expected a size of positive integers and 1 or 3 channels'),
    });
  });
});
