// Files in IDX, the format of MNIST and Fashion-MNIST; often gzipped.

import { constants as bufferConstants } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip as gunzipCallback, gunzipSync, constants as zlibConstants } from 'node:zlib';
import { BnError } from '@bn/core';
import { decodeIdx, type IdxBytes, type IdxOptions, parseHeader, tooLong } from './decode-idx.js';
import type { MemoryDataset } from './memory-dataset.js';
import { readError } from './read-error.js';

const gunzip = promisify(gunzipCallback);

export interface IdxFiles {
  /** Path of the images: IDX of unsigned bytes `[count, height, width]`, or any shape of two or more dimensions. */
  readonly images: string;
  /** Path of the class indices: IDX of unsigned bytes `[count]`. */
  readonly labels: string;
}

/**
 * Loads IDX files, plain or gzipped (told by their content, not by their names). Two-dimensional images get one
 * channel: `[1, height, width]`; other shapes stay as they are.
 *
 * A folder is searched for `train-images-idx3-ubyte`, `train-labels-idx1-ubyte` and, if there is a test set,
 * `t10k-images-idx3-ubyte` and `t10k-labels-idx1-ubyte` (or `test-…`); each may end in `.gz`, have a dot before `idx`, and
 * begin with the name of one data set, as in `emnist-letters-train-images-idx3-ubyte`. Images are taken as they are stored:
 * EMNIST's are, column after column.
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
  const found = findFiles(source, names.sort());
  const trainFiles = pairOf(source, found, 'train');
  const testFiles = found.some(({ part }) => part !== 'train') ? pairOf(source, found, 't10k') : undefined;
  const [train, test] = await Promise.all([loadPair(trainFiles, options), testFiles && loadPair(testFiles, options)]);
  return test ? { train, test } : { train };
}

/** Groups: data set, part, kind. */
export const idxName: RegExp = /^(.*?)[-_.]?(train|t10k|test)[-_.](images|labels)[-_.]?idx\d+([-_.]ubyte)?(\.gz)?$/i;

const orPaths = 'give the paths as { images, labels }';

interface Found {
  readonly name: string;
  readonly set: string;
  readonly part: string;
  readonly kind: string;
}

function findFiles(folder: string, names: readonly string[]): Found[] {
  const found = names.flatMap((name) => {
    const [, set, part, kind] = idxName.exec(name) ?? [];
    return kind === undefined ? [] : [{ name, set: set!, part: part!.toLowerCase(), kind: kind.toLowerCase() }];
  });
  const sets = [...new Set(found.map(({ set }) => set))];
  if (sets.length < 2) return found;
  const problem = `expected the files of one data set, found those of ${sets.map((set) => set || 'one without a name').join(', ')}`;
  throw new BnError('data', `${folder}: ${problem}; move each into a folder of its own, or ${orPaths}`);
}

function pairOf(folder: string, found: readonly Found[], wantedPart: 'train' | 't10k'): IdxFiles {
  const isTrain = wantedPart === 'train';
  const find = (wantedKind: 'images' | 'labels'): string => {
    const match = found.find(({ part, kind }) => kind === wantedKind && (part === 'train') === isTrain);
    if (match) return join(folder, match.name);
    const wanted = `${found[0]?.set ? `${found[0].set}-` : ''}${wantedPart}-${wantedKind}-idx${wantedKind === 'images' ? 3 : 1}-ubyte`;
    const problem = `looked for ${wanted} and ${wanted}.gz and found neither`;
    throw new BnError('file', `${folder}: ${problem}; add the file, or ${orPaths}`);
  };
  return { images: find('images'), labels: find('labels') };
}

async function loadPair(files: IdxFiles, options: IdxOptions): Promise<MemoryDataset> {
  const [images, labels] = await Promise.all([readBytes(files.images), readBytes(files.labels)]);
  return decodeIdx({ images, labels }, options);
}

/** Reads one file. Memory is taken for what is in the file, never for what its header promises. */
async function readBytes(file: string): Promise<IdxBytes> {
  try {
    // At once, so that unpacking begins on a thread of its own before the caller keeps this one busy.
    const packed = readFileSync(file);
    const isPacked = packed[0] === 0x1f && packed[1] === 0x8b;
    return { name: file, bytes: isPacked ? await unpack(file, packed) : packed };
  } catch (cause) {
    throw readError(file, cause, 'an IDX file');
  }
}

/** Bytes that one byte of a gzipped file can unpack into, at most. */
const mostPacked = 1032;
const largestChunk = 2 ** 26;

// The header is read first and limits the rest, so that a small file cannot unpack into all of the memory.
async function unpack(file: string, packed: Buffer): Promise<Buffer> {
  const start = gunzipSync(packed.subarray(0, 4096), { finishFlush: zlibConstants.Z_SYNC_FLUSH });
  const header = parseHeader(file, start);
  const maxOutputLength = Math.min(header.fileLength, bufferConstants.MAX_LENGTH);
  try {
    // In one piece, which need not be put together, if that can be: the last chunk must not be full.
    const chunkSize = Math.min(maxOutputLength, mostPacked * packed.length, largestChunk) + 1;
    return await gunzip(packed, { maxOutputLength, chunkSize: Math.max(chunkSize, zlibConstants.Z_MIN_CHUNK) });
  } catch (cause) {
    throw (cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? tooLong(file, header) : cause;
  }
}
