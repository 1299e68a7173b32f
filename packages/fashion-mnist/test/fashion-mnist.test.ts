import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type Dataset, sizeOf } from '@bn/core';
import { beforeAll, describe, expect, test } from 'vitest';
import { fashionMnist, fashionMnistClassNames, fashionMnistOutline } from '../src/index.js';

// Of the unpacked files of https://github.com/zalandoresearch/fashion-mnist.
const PUBLISHED = {
  trainImages: 'c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888',
  trainLabels: 'bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9',
  testImages: '5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b',
  testLabels: '0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34',
};

/** The sha256 of the IDX files that a data set would be written as. */
function hashesOf(dataset: Dataset): { images: string; labels: string } {
  const images = new Uint8Array(dataset.length * sizeOf(dataset.features.shape));
  const labels = new Int32Array(dataset.length);
  dataset.fill?.(Int32Array.from(labels.keys()), images, labels);
  const hash = (header: readonly number[], data: Uint8Array): string => {
    const bytes = Buffer.alloc(4 * header.length);
    for (const [i, n] of header.entries()) bytes.writeUInt32BE(n, 4 * i);
    return createHash('sha256').update(bytes).update(data).digest('hex');
  };
  return {
    images: hash([0x803, dataset.length, 28, 28], images),
    labels: hash([0x801, dataset.length], Uint8Array.from(labels)),
  };
}

describe('fashionMnist', () => {
  let train: Dataset;
  let testSet: Dataset;
  beforeAll(async () => {
    ({ train, test: testSet } = await fashionMnist());
  });

  test('has 60,000 training and 10,000 test images', () => {
    expect([train.length, testSet.length]).toEqual([60_000, 10_000]);
    expect(train).toMatchObject(fashionMnistOutline);
    for (const dataset of [train, testSet]) {
      expect(dataset.features).toEqual({ shape: [1, 28, 28], dtype: 'uint8' });
      expect(dataset.classNames).toBe(fashionMnistClassNames);
    }
  });

  test('is what was published, to the byte', () => {
    const trainHashes = hashesOf(train);
    const testHashes = hashesOf(testSet);
    expect({
      trainImages: trainHashes.images,
      trainLabels: trainHashes.labels,
      testImages: testHashes.images,
      testLabels: testHashes.labels,
    }).toEqual(PUBLISHED);
  });

  test('names its classes as the labels have them', () => {
    const first = Array.from({ length: 4 }, (_, i) => fashionMnistClassNames[Number(train.get(i).label)]);
    expect(first).toEqual(['ankle boot', 't-shirt', 't-shirt', 'dress']);
    expect(new Set(fashionMnistClassNames).size).toBe(10);
  });

  test('has its licence beside it', async () => {
    const licence = await readFile(new URL('../data/LICENSE', import.meta.url), 'utf8');
    expect(licence).toContain('The MIT License (MIT) Copyright © 2017 Zalando SE');
  });
});
