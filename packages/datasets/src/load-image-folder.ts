// Images in folders, one folder per class.

import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { BnError } from '@bn/core';
import { type DecodeImageOptions, decodeImage } from './decode-image.js';
import { formatNames, imageEndings } from './image-formats.js';
import { MemoryDataset } from './memory-dataset.js';
import { readError } from './read-error.js';

/**
 * Loads the images in a folder with one subfolder per class: `folder/boot/1.png`, `folder/shirt/a.jpg`. Class indices follow the sorted names of the subfolders, which become the class names; examples are sorted by class
 * and file name, so shuffle (the trainer does) or `split` them. Hidden subfolders and files of other kinds are ignored.
 * Images are made grey or RGB and resized as `decodeImage` says; features are uint8 `[channels, height, width]`.
 *
 * @throws BnError `file` when a folder or file cannot be read; `data` when there are no classes, a class has no images,
 * or an image cannot be decoded (it is named); `argument` for a size or number of channels that is none.
 */
export async function loadImageFolder(folder: string, options: DecodeImageOptions = {}): Promise<MemoryDataset> {
  const { size: [height, width] = [28, 28], channels = 1 } = options;
  if (![height, width].every((n) => Number.isInteger(n) && n > 0) || ![1, 3].includes(channels)) {
    throw new BnError(
      'argument',
      `expected a size of positive integers and 1 or 3 channels, got size [${height}, ${width}] and ${channels} channels; correct the options`,
    );
  }
  const classNames = await classFolders(folder);
  const files: string[] = [];
  const labels: number[] = [];
  for (const [label, name] of classNames.entries()) {
    for (const file of await imageFiles(join(folder, name))) {
      files.push(file);
      labels.push(label);
    }
  }
  const imageSize = channels * height * width;
  const features = new Uint8Array(files.length * imageSize);
  // Workers take from one queue, so that only a few files are open at a time.
  const queue = files.entries();
  const worker = async (): Promise<void> => {
    for (const [i, file] of queue) features.set(await decodeImage(file, options), i * imageSize);
  };
  await Promise.all(Array.from({ length: 2 * availableParallelism() }, worker));
  return new MemoryDataset({ features, shape: [channels, height, width], labels: Int32Array.from(labels), classNames });
}

async function classFolders(folder: string): Promise<string[]> {
  const names = (await list(folder))
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map((entry) => entry.name);
  if (names.length === 0) {
    throw new BnError(
      'data',
      `${folder}: expected one subfolder per class, found none; put each class's images into a folder of its own`,
    );
  }
  return names.sort();
}

async function imageFiles(folder: string): Promise<string[]> {
  const isImage = (name: string) => imageEndings.some((ending) => name.toLowerCase().endsWith(`.${ending}`));
  const names = (await list(folder)).map((entry) => entry.name).filter(isImage);
  if (names.length === 0) {
    throw new BnError(
      'data',
      `${folder}: expected ${formatNames} images of a class, found none; add images or remove the folder`,
    );
  }
  return names.sort().map((name) => join(folder, name));
}

async function list(folder: string): Promise<Dirent[]> {
  return readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw readError(folder, cause, 'a folder with one subfolder of images per class');
  });
}
