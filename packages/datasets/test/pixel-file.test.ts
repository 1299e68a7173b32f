// Images that stay in a file, and those that are kept for the next time.

import { readdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Dataset, loadBatch } from '@bn/core';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { type ImageOptions, loadImageFolder, relabel, subset } from '../src/index.js';
import { temporaryFolder } from './temporary-folder.js';

/** An image without two equal pixels near each other. */
const image = (seed: number, channels: 1 | 3 = 3) => {
  const data = Uint8Array.from({ length: 48 * channels }, (_, i) => (i * 37 + seed * 101) % 256);
  return sharp(data, { raw: { width: 8, height: 6, channels } })
    .png()
    .toBuffer();
};

async function folderOfImages(): Promise<string> {
  const names = ['a/1.png', 'a/2.png', 'a/3.png', 'b/1.png', 'b/2.png'];
  const files = await Promise.all(names.map(async (name, i) => [name, await image(i)] as const));
  return temporaryFolder({ ...Object.fromEntries(files), 'a/2x.png': 'not an image' });
}

async function batchOf(dataset: Dataset, indices: readonly number[]) {
  const { features, labels } = await loadBatch(dataset, indices, { seed: 0, epoch: 0 });
  return { features: [...features], labels: [...labels] };
}

test('images in a file are those in memory: one by one, in batches, in subsets and with other classes', async () => {
  const folder = await folderOfImages();
  const memory = await loadImageFolder(folder);
  const file = await loadImageFolder(folder, { inMemory: 0 });
  expect(file.load).toBeTypeOf('function');
  expect([file.files, file.skipped, file.classNames]).toEqual([memory.files, memory.skipped, memory.classNames]);
  expect(file.features).toEqual(memory.features);
  const views = [
    (all: Dataset) => all,
    (all: Dataset) => subset(all, [4, 0, 4, 2]),
    (all: Dataset) => relabel(all, [2, 1], ['x', 'b', 'a']),
  ];
  for (const view of views) {
    const [own, expected] = [view(file), view(memory)];
    const indices = [2, 0, 3];
    expect(await batchOf(own, indices)).toEqual(await batchOf(expected, indices));
    for (const i of indices) {
      expect([...(own.get(i).features as Uint8Array)]).toEqual([...(expected.get(i).features as Uint8Array)]);
      expect(own.get(i).label).toBe(expected.get(i).label);
    }
  }
  expect(() => file.get(5)).toThrow('there is no example 5; indices go from 0 to 4');
});

test('grey images in a file have one channel', async () => {
  const folder = await temporaryFolder({ 'a/1.png': await image(1, 1), 'b/1.png': await image(2, 1) });
  const [file, memory] = [await loadImageFolder(folder, { inMemory: 0 }), await loadImageFolder(folder)];
  expect(file.features.shape).toEqual([1, 6, 8]);
  expect(await batchOf(file, [1, 0])).toEqual(await batchOf(memory, [1, 0]));
});

test('decoded images are kept by the contents of their files and by their size', async () => {
  const folder = await folderOfImages();
  const cache = await temporaryFolder();
  /** How many files were decoded. */
  const decoded = async (options: ImageOptions = {}) => {
    let count = 0;
    const all = await loadImageFolder(folder, {
      cache,
      cacheFrom: 0,
      onProgress: (done) => (count = done),
      ...options,
    });
    const { cache: _, ...plain } = options;
    const indices = [...Array(all.length).keys()];
    expect(await batchOf(all, indices)).toEqual(await batchOf(await loadImageFolder(folder, plain), indices));
    expect(all.skipped.map(({ file }) => file)).toEqual([join(folder, 'a', '2x.png')]);
    return count;
  };
  const kept = async () => (await readdir(cache)).length;
  expect(await decoded({ cacheFrom: 2 ** 20 })).toBe(6);
  expect(await kept()).toBe(0);
  expect(await decoded()).toBe(6);
  expect(await kept()).toBe(2);
  expect(await decoded()).toBe(0);
  expect(await decoded({ inMemory: 0 })).toBe(0);
  expect(await decoded({ size: [3, 3] })).toBe(6);
  expect(await kept()).toBe(4);
  await writeFile(join(folder, 'b', '2.png'), await image(9));
  expect(await decoded()).toBe(6);
  expect(await kept()).toBe(6);
  await expect(decoded({ strict: true })).rejects.toThrow('2x.png');
  for (const name of await readdir(cache)) if (name.endsWith('.pixels')) await truncate(join(cache, name), 10);
  expect(await decoded()).toBe(6);
});

test('a folder for decoded images that cannot be made is an error that says how to name another', async () => {
  const folder = await folderOfImages();
  const cache = join(await temporaryFolder({ file: '' }), 'file', 'in-a-file');
  await expect(loadImageFolder(folder, { cache, cacheFrom: 0 })).rejects.toThrow(/in-a-file.*BN_DATA_CACHE/s);
});
