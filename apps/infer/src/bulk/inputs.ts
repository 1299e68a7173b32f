// What there is to predict, one line after another: files of images, and rows of Parquet files that hold images.

import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { UsageError } from '@bn/command-line';
import { BnError } from '@bn/core';
import type { NamedImage } from '../classify/classify-images.js';
import { type ParquetRows, parquetGroups, readParquetImages } from './parquet-images.js';

/** The path of an image as the user wrote it, or rows of a Parquet file. */
export type InputLine = string | ParquetRows;

/** @param paths of images or Parquet files */
export async function* inputsFrom(
  paths: Iterable<string> | AsyncIterable<string>,
  workingFolder: string,
): AsyncGenerator<InputLine> {
  for await (const path of paths) {
    if (/\.parquet$/i.test(path)) yield* await parquetGroups(path, resolve(workingFolder, path));
    else yield path;
  }
}

/** The paths in a text file, one a line; it is not held in memory. @throws BnError `file` if it cannot be read, UsageError if it is empty */
export async function* pathsListed(list: string, workingFolder: string): AsyncGenerator<string> {
  const lines = createInterface({
    input: createReadStream(resolve(workingFolder, list)),
    crlfDelay: Number.POSITIVE_INFINITY,
  });
  let isEmpty = true;
  try {
    for await (const line of lines) {
      if (line.trim() === '') continue;
      isEmpty = false;
      yield line;
    }
  } catch (cause) {
    const { message } = cause as Error;
    throw new BnError('file', `${list}: cannot be read: ${message}; give a text file with a path on each line`, {
      cause,
    });
  }
  if (isEmpty) throw new UsageError(`${list}: there is no path in this file; write one on each line`);
}

/** What the lines stand for, read as far as decoding does not. */
export async function imagesOf(inputs: readonly InputLine[], workingFolder: string): Promise<NamedImage[]> {
  const images: NamedImage[] = [];
  for (const input of inputs) {
    if (typeof input === 'string') images.push({ image: input, source: resolve(workingFolder, input) });
    else images.push(...(await readParquetImages(input, resolve(workingFolder, input.parquet))));
  }
  return images;
}
