// Files, folders and patterns to paths.

import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { findImages as find } from '../src/images/find-images.js';
import { testFolder } from './small-model.js';

const findImages = async (named: readonly string[], folder: string) => (await find(named, folder)).images;
const folderOf = (...names: string[]) => testFolder(Object.fromEntries(names.map((name) => [name, ''])));

it('a folder is the images in it and below, in the order of their numbers, without hidden ones', async () => {
  const folder = folderOf('in/10.png', 'in/9.JPG', 'in/a/1.avif', 'in/a.txt', 'in/.cache/1.png', 'in/.2.png');
  expect(await findImages(['in'], folder)).toEqual(['9.JPG', '10.png', 'a/1.avif'].map((name) => join('in', name)));
});

it('files in a folder that are no images are told', async () => {
  const folder = folderOf('in/a.png', 'in/b.xyz', 'in/c/d.txt', 'in/.e', 'f.xyz');
  const { images, leftOut } = await find(['in', 'f.xyz'], folder);
  expect(images).toEqual([join('in', 'a.png'), 'f.xyz']);
  expect(leftOut).toMatch(/^2 files are left out, since they are not png, jpg, .*: in.b\.xyz, in.c.d\.txt$/);
});

it('a pattern is what matches it, also other files, and also from an absolute path', async () => {
  const folder = folderOf('in/b.png', 'in/a.bin', 'in/deep/er/c.png');
  expect(await findImages(['in/*'], folder)).toEqual(['in/a.bin', 'in/b.png']);
  expect(await findImages(['**/*.png'], folder)).toEqual(['in/b.png', 'in/deep/er/c.png']);
  const pattern = `${folder.replaceAll('\\', '/')}/in/?.{png,gif}`;
  expect((await findImages([pattern], '/')).map((path) => join(path))).toEqual([join(folder, 'in', 'b.png')]);
});

it('a file whose name looks like a pattern is that file', async () => {
  expect(await findImages(['a[1].png'], folderOf('a[1].png', 'a1.png'))).toEqual(['a[1].png']);
});

it('what is named twice is taken once, where it comes first', async () => {
  const folder = folderOf('in/a.png', 'in/b.png');
  expect(await findImages([join('in', 'b.png'), 'in', './in/b.png'], folder)).toEqual([
    join('in', 'b.png'),
    join('in', 'a.png'),
  ]);
});

it('links in circles end', async (context) => {
  const folder = folderOf('in/a.png');
  try {
    symlinkSync(join(folder, 'in'), join(folder, 'in', 'again'), 'junction');
  } catch {
    context.skip('no symbolic links here');
  }
  expect(await findImages(['in'], folder)).toContain(join('in', 'a.png'));
});
