// IDX, the format of MNIST and Fashion-MNIST: a big-endian header with the shape, then the bytes. Also in browsers.

import { BnError, formatShape } from '@bn/core';
import { MemoryDataset } from './memory-dataset.js';

export interface IdxOptions {
  /** Names in the order of the class indices; every label must then have one. */
  readonly classNames?: readonly string[] | undefined;
}

/** A file's bytes, unpacked, and what to call it in errors: its path or address. */
export interface IdxBytes {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/**
 * A data set from IDX files of unsigned bytes: images `[count, height, width]`, or any shape of two or more dimensions,
 * and class indices `[count]`. Two-dimensional images get one channel: `[1, height, width]`; other shapes stay as they
 * are. The bytes are not copied.
 *
 * @throws BnError `data`, with the byte offset, when one is no IDX file of unsigned bytes, is cut off or too long, or when
 * images and labels do not belong together.
 * @see http://yann.lecun.com/exdb/mnist/ for the format
 */
export function decodeIdx(files: { images: IdxBytes; labels: IdxBytes }, options: IdxOptions = {}): MemoryDataset {
  const [images, labels] = [decode(files.images), decode(files.labels)];
  const [imageCount, ...imageShape] = images.shape;
  if (imageShape.length === 0 || labels.shape.length !== 1) {
    throw new BnError(
      'data',
      `expected images [count, height, width] and labels [count], got ${formatShape(images.shape)} in ${files.images.name} and ${formatShape(labels.shape)} in ${files.labels.name} (byte 3: the number of dimensions); exchange the files if they are swapped`,
    );
  }
  if (imageCount !== labels.shape[0]) {
    const counts = `${imageCount} images, but ${files.labels.name} has ${labels.shape[0]} labels (byte 4: the count)`;
    throw new BnError('data', `${files.images.name} has ${counts}; give files that belong together`);
  }
  checkLabels(files.labels.name, labels, options.classNames);
  return new MemoryDataset({
    features: images.data,
    shape: imageShape.length === 2 ? [1, ...imageShape] : imageShape,
    labels: Int32Array.from(labels.data),
    ...options,
  });
}

function checkLabels(file: string, labels: Idx, classNames: readonly string[] | undefined): void {
  const { length = 256 } = classNames ?? {};
  const wrong = labels.data.findIndex((label) => label >= length);
  if (wrong < 0) return;
  const but = `but there are ${length} class names, for 0 to ${length - 1}; give a name for every class`;
  throw wrongAt(file, labels.headerLength + wrong, `label ${wrong} is ${labels.data[wrong]}, ${but}`);
}

export interface IdxHeader {
  readonly shape: readonly number[];
  /** In bytes. */
  readonly headerLength: number;
  /** Of header and data, in bytes, as the header has it: not to be trusted. */
  readonly fileLength: number;
}

interface Idx extends IdxHeader {
  readonly data: Uint8Array;
}

function decode({ name, bytes }: IdxBytes): Idx {
  const header = parseHeader(name, bytes);
  const { shape, headerLength, fileLength } = header;
  if (bytes.length < fileLength) {
    const needed = `its header ${formatShape(shape)} needs ${fileLength} bytes`;
    throw wrongAt(name, bytes.length, `the file ends here, but ${needed}; ${again}`);
  }
  if (bytes.length > fileLength) throw tooLong(name, header);
  return { ...header, data: bytes.subarray(headerLength) };
}

/** What the beginning of a file says. */
export function parseHeader(file: string, bytes: Uint8Array): IdxHeader {
  const dimensions = bytes[3] ?? 0;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length === 0) throw new BnError('data', `${file}: the file is empty; ${again}`);
  if (bytes[0] !== 0 || bytes[1] !== 0 || bytes[2] !== 8 || dimensions === 0) {
    const hex = Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16).padStart(2, '0')).join('');
    const magic = 'the magic number of IDX with unsigned bytes (00 00 08 and the number of dimensions)';
    throw wrongAt(file, 0, `expected ${magic}, got ${hex}; give an IDX file of that type`);
  }
  const headerLength = 4 + 4 * dimensions;
  if (bytes.length < headerLength) {
    throw wrongAt(file, bytes.length, `the file ends within its header of ${headerLength} bytes; ${again}`);
  }
  const shape = Array.from({ length: dimensions }, (_, i) => view.getUint32(4 + 4 * i));
  const zero = shape.indexOf(0);
  if (zero >= 0) {
    const problem = `the shape ${formatShape(shape)} holds no data; give a file with at least one example`;
    throw wrongAt(file, 4 + 4 * zero, problem);
  }
  return { shape, headerLength, fileLength: shape.reduce((product, n) => product * n, 1) + headerLength };
}

export function tooLong(file: string, { shape, fileLength }: IdxHeader): BnError {
  return wrongAt(
    file,
    fileLength,
    `the header ${formatShape(shape)} ends the data here, but more bytes follow; ${again}`,
  );
}

const again = 'download or copy it again';

function wrongAt(file: string, byte: number, problem: string): BnError {
  return new BnError('data', `${file}: byte ${byte}: ${problem}`);
}
