// IDX, the format of MNIST and Fashion-MNIST: a big-endian header with the shape, then the bytes; often gzipped.

import { constants as bufferConstants } from 'node:buffer';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip as gunzipCallback, constants as zlibConstants } from 'node:zlib';
import { BnError, formatShape } from '@bn/core';
import { MemoryDataset } from './memory-dataset.js';
import { readError } from './read-error.js';

const gunzip = promisify(gunzipCallback);

export interface IdxFiles {
  /** Path of the images: IDX of unsigned bytes `[count, height, width]`, or any shape of two or more dimensions. */
  readonly images: string;
  /** Path of the class indices: IDX of unsigned bytes `[count]`. */
  readonly labels: string;
}

export interface IdxOptions {
  /** Names in the order of the class indices; every label must then have one. */
  readonly classNames?: readonly string[];
}

/**
 * Loads IDX files, plain or gzipped (told by their content, not by their names). Two-dimensional images get one
 * channel: `[1, height, width]`; other shapes stay as they are.
 *
 * A folder is searched for `train-images-idx3-ubyte`, `train-labels-idx1-ubyte` and, if there is a test set,
 * `t10k-images-idx3-ubyte` and `t10k-labels-idx1-ubyte`; each may end in `.gz`, and have a dot before `idx`.
 *
 * @throws BnError `file` when files are missing or unreadable; `data`, with the byte offset in the unpacked file, when
 * one is no IDX file of unsigned bytes, is cut off or too long, or when images and labels do not belong together.
 * @see http://yann.lecun.com/exdb/mnist/ for the format
 */
export function loadIdx(folder: string, options?: IdxOptions): Promise<{ train: MemoryDataset; test?: MemoryDataset }>;
export function loadIdx(files: IdxFiles, options?: IdxOptions): Promise<MemoryDataset>;
export async function loadIdx(
  source: string | IdxFiles,
  options: IdxOptions = {},
): Promise<MemoryDataset | { train: MemoryDataset; test?: MemoryDataset }> {
  if (typeof source !== 'string') return loadPair(source, options);
  const names = await readdir(source).catch((cause: unknown) => {
    throw readError(source, cause, 'a folder with IDX files');
  });
  names.sort();
  const trainFiles = findPair(source, names, 'train');
  const testFiles = names.some((name) => name.startsWith('t10k-')) ? findPair(source, names, 't10k') : undefined;
  const [train, test] = await Promise.all([loadPair(trainFiles, options), testFiles && loadPair(testFiles, options)]);
  return test ? { train, test } : { train };
}

function findPair(folder: string, names: readonly string[], part: 'train' | 't10k'): IdxFiles {
  const find = (kind: 'images' | 'labels'): string => {
    const pattern = new RegExp(`^${part}-${kind}[-.]idx\\d+-ubyte(\\.gz)?$`);
    const name = names.find((candidate) => pattern.test(candidate));
    if (name !== undefined) return join(folder, name);
    const wanted = `${part}-${kind}-idx${kind === 'images' ? 3 : 1}-ubyte`;
    throw new BnError(
      'file',
      `${folder}: looked for ${wanted} and ${wanted}.gz and found neither; add the file, or give the paths as { images, labels }`,
    );
  };
  return { images: find('images'), labels: find('labels') };
}

async function loadPair(files: IdxFiles, options: IdxOptions): Promise<MemoryDataset> {
  const [images, labels] = await Promise.all([readIdx(files.images), readIdx(files.labels)]);
  const [imageCount, ...imageShape] = images.shape;
  if (imageShape.length === 0 || labels.shape.length !== 1) {
    throw new BnError(
      'data',
      `expected images [count, height, width] and labels [count], got ${formatShape(images.shape)} in ${files.images} and ${formatShape(labels.shape)} in ${files.labels} (byte 3: the number of dimensions); exchange the files if they are swapped`,
    );
  }
  if (imageCount !== labels.shape[0]) {
    throw new BnError(
      'data',
      `${files.images} has ${imageCount} images, but ${files.labels} has ${labels.shape[0]} labels (byte 4: the count); give files that belong together`,
    );
  }
  checkLabels(files.labels, labels, options.classNames);
  return new MemoryDataset({
    features: images.data,
    shape: imageShape.length === 2 ? [1, ...imageShape] : imageShape,
    labels: Int32Array.from(labels.data),
    ...options,
  });
}

function checkLabels(file: string, labels: Idx, classNames: readonly string[] | undefined): void {
  const wrong = classNames ? labels.data.findIndex((label) => label >= classNames.length) : -1;
  if (wrong >= 0) {
    throw new BnError(
      'data',
      `${file}: byte ${labels.headerLength + wrong}: label ${wrong} is ${labels.data[wrong]}, but there are ${classNames?.length} class names, for 0 to ${classNames!.length - 1}; give a name for every class`,
    );
  }
}

interface IdxHeader {
  readonly shape: readonly number[];
  /** In bytes. */
  readonly headerLength: number;
  /** Of header and data, in bytes, as the header has it: not to be trusted. */
  readonly fileLength: number;
}

interface Idx extends IdxHeader {
  readonly data: Uint8Array;
}

/** Reads one file. Memory is taken for what is in the file, never for what its header promises. */
async function readIdx(file: string): Promise<Idx> {
  try {
    const packed = await readFile(file);
    const bytes = packed[0] === 0x1f && packed[1] === 0x8b ? await unpack(file, packed) : packed;
    const header = parseHeader(file, bytes);
    const { shape, headerLength, fileLength } = header;
    if (bytes.length < fileLength) {
      throw new BnError(
        'data',
        `${file}: byte ${bytes.length}: the file ends here, but its header ${formatShape(shape)} needs ${fileLength} bytes; download or copy it again`,
      );
    }
    if (bytes.length > fileLength) throw tooLong(file, header);
    return { ...header, data: bytes.subarray(headerLength) };
  } catch (cause) {
    throw readError(file, cause, 'an IDX file');
  }
}

// The header is read first and limits the rest, so that a small file cannot unpack into all of the memory.
async function unpack(file: string, packed: Buffer): Promise<Buffer> {
  const start = await gunzip(packed.subarray(0, 4096), { finishFlush: zlibConstants.Z_SYNC_FLUSH });
  const header = parseHeader(file, start);
  const maxOutputLength = Math.min(header.fileLength, bufferConstants.MAX_LENGTH);
  try {
    return await gunzip(packed, { maxOutputLength, chunkSize: 2 ** 20 });
  } catch (cause) {
    throw (cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? tooLong(file, header) : cause;
  }
}

function parseHeader(file: string, bytes: Buffer): IdxHeader {
  const dimensions = bytes[3] ?? 0;
  if (bytes.length === 0) throw new BnError('data', `${file}: the file is empty; download or copy it again`);
  if (bytes[0] !== 0 || bytes[1] !== 0 || bytes[2] !== 8 || dimensions === 0) {
    throw new BnError(
      'data',
      `${file}: byte 0: expected the magic number of IDX with unsigned bytes (00 00 08 and the number of dimensions), got ${bytes.toString('hex', 0, 4)}; give an IDX file of that type`,
    );
  }
  const headerLength = 4 + 4 * dimensions;
  if (bytes.length < headerLength) {
    throw new BnError(
      'data',
      `${file}: byte ${bytes.length}: the file ends within its header of ${headerLength} bytes; download or copy it again`,
    );
  }
  const shape = Array.from({ length: dimensions }, (_, i) => bytes.readUInt32BE(4 + 4 * i));
  const zero = shape.indexOf(0);
  if (zero >= 0) {
    throw new BnError(
      'data',
      `${file}: byte ${4 + 4 * zero}: the shape ${formatShape(shape)} holds no data; give a file with at least one example`,
    );
  }
  return { shape, headerLength, fileLength: shape.reduce((product, n) => product * n, 1) + headerLength };
}

function tooLong(file: string, header: IdxHeader): BnError {
  return new BnError(
    'data',
    `${file}: byte ${header.fileLength}: the header ${formatShape(header.shape)} ends the data here, but more bytes follow; download or copy it again`,
  );
}
