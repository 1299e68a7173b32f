import { rm, symlink, writeFile } from 'node:fs/promises';
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

const solid = (width: number, height: number, background: string) =>
  sharp({ create: { width, height, channels: 3, background } })
    .png()
    .toBuffer();

describe('loadImageFolder', () => {
  test('makes a class of each folder, sorted by name; lists other files, ignores hidden ones', async () => {
    const folder = await temporaryFolder({
      'shirt/2.png': await png(22),
      'shirt/1.PNG': await png(21),
      'shirt/notes.txt': 'no image',
      'shirt/.hidden.png': 'no image',
      'bag/a.jpeg': await grey(10).jpeg({ quality: 100 }).toBuffer(),
      'bag/b.TIFF': await grey(30).tiff().toBuffer(),
      '.cache/': '',
      '__MACOSX/bag/._a.jpeg': 'no image',
      'README.md': 'no class',
      'stray.png': await png(1),
      link: '../elsewhere',
    });
    const dataset = await loadImageFolder(folder, { size: [1, 1] });
    expect(dataset.classNames).toEqual(['bag', 'shirt']);
    expect(dataset.features).toEqual({ shape: [1, 1, 1], dtype: 'uint8' });
    expect(allOf(dataset)).toEqual({ features: [10, 30, 21, 22], labels: [0, 0, 1, 1] });
    expect([...dataset.skipped]).toEqual([
      { file: join(folder, 'link'), reason: 'beside the folders of the classes, not in one' },
      { file: join(folder, 'shirt', 'notes.txt'), reason: 'not a PNG, JPEG, WebP, GIF, TIFF, AVIF or BMP file' },
      { file: join(folder, 'stray.png'), reason: 'beside the folders of the classes, not in one' },
    ]);
  });

  test('keeps the size of small images of one size, and grey where all are', async () => {
    const folder = await temporaryFolder({
      'a/1.png': await solid(30, 20, '#050505'),
      'b/1.png': await solid(30, 20, '#fff'),
    });
    const dataset = await loadImageFolder(folder);
    expect(dataset.features.shape).toEqual([1, 20, 30]);
    expect(allOf(dataset).features).toEqual([...Array(600).fill(5), ...Array(600).fill(255)]);
    expect((await loadImageFolder(folder, { channels: 3 })).features.shape).toEqual([3, 20, 30]);
  });

  test.each([
    ['large', 65, 65, [3, 64, 64]],
    ['of several sizes', 30, 21, [3, 64, 64]],
    ['small', 30, 20, [3, 20, 30]],
  ])('keeps colours if one image has any; images that are %s get a fitting size', async (_, width, height, shape) => {
    const folder = await temporaryFolder({
      'a/1.png': await solid(30, 20, '#050505'),
      'b/1.png': await solid(width, height, '#010203'),
    });
    const dataset = await loadImageFolder(folder);
    expect(dataset.features.shape).toEqual(shape);
    const { features } = dataset.get(1);
    const area = features.length / 3;
    expect(Array.from(features)).toEqual([...Array(area).fill(1), ...Array(area).fill(2), ...Array(area).fill(3)]);
  });

  test('grey is Rec. 601 where it is asked for', async () => {
    const folder = await temporaryFolder({ 'a/1.png': await solid(1, 1, '#f00') });
    expect(allOf(await loadImageFolder(folder, { channels: 1 })).features).toEqual([76]);
  });

  test('reads folders within a class, and follows links, but not in circles', async () => {
    const folder = await temporaryFolder({
      'data/a/deep/er/1.png': await png(1),
      'data/a/0.png': await png(2),
      'elsewhere/1.png': await png(3),
      'one.png': await png(4),
    });
    await symlink(join(folder, 'elsewhere'), join(folder, 'data', 'b'), 'junction');
    await symlink(join(folder, 'data', 'a'), join(folder, 'data', 'a', 'deep', 'circle'), 'junction');
    await symlink(join(folder, 'data'), join(folder, 'data', 'a', 'deep', 'top'), 'junction');
    if (process.platform !== 'win32') {
      await symlink(join(folder, 'one.png'), join(folder, 'elsewhere', '2.png'));
      await symlink(join(folder, 'none.png'), join(folder, 'elsewhere', '3.png'));
    }
    const dataset = await loadImageFolder(join(folder, 'data'));
    expect(dataset.classNames).toEqual(['a', 'b']);
    const isPosix = process.platform !== 'win32';
    expect(allOf(dataset)).toEqual({
      features: isPosix ? [2, 1, 3, 4] : [2, 1, 3],
      labels: isPosix ? [0, 0, 1, 1] : [0, 0, 1],
    });
    expect(dataset.skipped).toEqual(
      isPosix ? [{ file: join(folder, 'data', 'b', '3.png'), reason: 'no such file or folder' }] : [],
    );
  });

  test('leaves out what cannot be read, and lists it; stops there if strict', async () => {
    const folder = await temporaryFolder({
      'a/1.png': await png(1),
      'a/2.png': 'no image',
      'a/3.png': await png(3),
      'a/4.heic': 'photo',
      'b/1.png': await png(4),
    });
    const dataset = await loadImageFolder(folder);
    expect(allOf(dataset)).toEqual({ features: [1, 3, 4], labels: [0, 0, 1] });
    expect(dataset.skipped).toEqual([
      { file: join(folder, 'a', '4.heic'), reason: 'not a PNG, JPEG, WebP, GIF, TIFF, AVIF or BMP file' },
      {
        file: join(folder, 'a', '2.png'),
        reason: 'expected a PNG, JPEG, WebP, GIF, TIFF, AVIF or BMP image, got something else',
      },
    ]);
    await expect(loadImageFolder(folder, { strict: true })).rejects.toThrow(join('a', '4.heic'));
    await rm(join(folder, 'a', '4.heic'));
    await expect(loadImageFolder(folder, { strict: true })).rejects.toThrow(`${join('a', '2.png')}: expected a PNG`);
  });

  test('tells how far it is', async () => {
    const folder = await temporaryFolder({ 'a/1.png': await png(1), 'a/2.png': await png(2) });
    const told: number[][] = [];
    await loadImageFolder(folder, { onProgress: (...progress) => told.push(progress) });
    expect(told.at(-1)).toEqual([2, 2]);
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

  test('a class without images, or without any that can be read', async () => {
    const folder = await temporaryFolder({ 'a/1.png': await png(1), 'b/': '' });
    const message = (found: string) =>
      `${join(folder, 'b')}: expected PNG, JPEG, WebP, GIF, TIFF, AVIF or BMP images of a class, found ${found}; add images or remove the folder`;
    await expect(loadImageFolder(folder)).rejects.toMatchObject({ code: 'data', message: message('none') });
    await writeFile(join(folder, 'b', '1.heic'), 'photo');
    await expect(loadImageFolder(folder)).rejects.toMatchObject({
      code: 'data',
      message: message(
        `1 file that cannot be read (${join(folder, 'b', '1.heic')}: not a PNG, JPEG, WebP, GIF, TIFF, AVIF or BMP file)`,
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
    const folder = await temporaryFolder({ 'a/1.png': await png(1) });
    await expect(loadImageFolder(folder, options)).rejects.toMatchObject({
      code: 'argument',
      message: expect.stringContaining('expected a size of positive integers and 1 or 3 channels'),
    });
  });
});
