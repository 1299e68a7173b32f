// NumPy's archives of arrays (.npz), under the names that people give images and labels.

import { BnError, channelsFirst, formatShape, sizeOf } from '@bn/core';
import type { Labels, TargetOptions } from './csv-targets.js';
import { MemoryDataset, type MemoryParts } from './memory-dataset.js';
import { readError } from './read-error.js';

/** Keras's names, MedMNIST's, scikit-learn's, and those of arrays that were saved without names: images and labels of each part. */
const names = {
  train: [
    'x_train y_train',
    'X_train y_train',
    'train_images train_labels',
    'images labels',
    'x y',
    'X y',
    'arr_0 arr_1',
  ],
  test: ['x_test y_test', 'X_test y_test', 'test_images test_labels'],
  val: ['x_val y_val', 'X_val y_val', 'val_images val_labels'],
} as const;

export interface NpzParts {
  readonly train: MemoryDataset;
  readonly test: MemoryDataset | undefined;
  readonly val: MemoryDataset | undefined;
}

/**
 * Loads the images and labels in an .npz: `x_train` and `y_train` (and `_test`), `train_images` and `train_labels` (and `test_`,
 * `val_`), `images` and `labels`, `X` and `y`, or `arr_0` and `arr_1`.
 *
 * Images are `[count, height, width]`, or have 1 or 3 channels, last or first; they become `[channels, height, width]`. Whole
 * numbers of 0 to 255 become uint8, whatever their type; so do floats that are such numbers divided by 255. Other floats
 * stay as they are. Labels are class indices, `[count]` or `[count, 1]`, or one-hot; for several labels 0 and 1,
 * `[count, labels]`; for a regression its values.
 *
 * @throws BnError `file` when the file cannot be read; `data` when it is no such archive, or its arrays do not fit
 */
export async function loadNpz(file: string, options: TargetOptions = {}): Promise<NpzParts> {
  const { arrays, found } = await readArrays(file);
  const part = (which: keyof typeof names): MemoryDataset | undefined => {
    const pair = names[which].map((keys) => keys.split(' ')).find((keys) => keys.every((key) => arrays.has(key)));
    if (!pair) return undefined;
    const [images, labels] = pair.map((key) => arrays.get(key)!) as [NpyArray, NpyArray];
    const count = images.shape[0];
    if (count !== labels.shape[0]) throw wrong(`${file}: ${pair[1]}`, labels, `one row for each of ${count} images`);
    const features = featuresOf(`${file}: ${pair[0]}`, images);
    return new MemoryDataset({ ...features, ...labelsOf(`${file}: ${pair[1]}`, labels, options) });
  };
  const [train, test, val] = [part('train'), part('test'), part('val')];
  if (train) return { train, test, val };
  const usual = names.train.map((pair) => pair.replace(' ', ' and ')).join(', or ');
  const got = found.slice(0, 10).join(', ') || 'nothing';
  throw new BnError('data', `${file}: expected the arrays ${usual}; found ${got}; save them under such names`);
}

interface NpyArray {
  readonly shape: readonly number[];
  readonly data: Uint8Array | Float64Array;
  /** Whether 1 is white: floats and booleans. */
  readonly isUnit: boolean;
}

function wrong(at: string, { shape }: NpyArray, expected: string): BnError {
  return new BnError('data', `${at}: got ${formatShape(shape)}, expected ${expected}`);
}

/** The arrays of those names. */
async function readArrays(file: string): Promise<{ arrays: Map<string, NpyArray>; found: string[] }> {
  const arrays = new Map<string, NpyArray>();
  const found: string[] = [];
  const wanted = Object.values(names).flat().join(' ').split(' ');
  try {
    const [{ load }, { openPromise }] = await Promise.all([import('npyjs'), import('yauzl')]);
    const archive = await openPromise(file, { lazyEntries: true });
    try {
      for await (const entry of archive.eachEntry()) {
        const name = entry.fileName.replace(/\.npy$/, '');
        found.push(name);
        if (!wanted.includes(name)) continue;
        const chunks: Buffer[] = [];
        for await (const chunk of await archive.openReadStreamPromise(entry)) chunks.push(chunk as Buffer);
        const { data, shape, dtype, fortranOrder } = await load(Buffer.concat(chunks));
        if (fortranOrder) throw new Error(`${name} is in Fortran order: numpy.ascontiguousarray`);
        const numbers = data as unknown as ArrayLike<number | bigint | boolean>;
        const held = dtype === 'u1' ? (data as Uint8Array) : Float64Array.from(numbers, Number);
        if (held.length !== sizeOf(shape) || held.length === 0)
          throw new Error(`${name} does not fill ${formatShape(shape)}`);
        arrays.set(name, { shape, data: held, isUnit: /^[fb]/.test(dtype) });
      }
    } finally {
      archive.close();
    }
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code) throw readError(file, cause, 'an .npz file');
    const reason = (cause as Error).message;
    throw new BnError('data', `${file}: not a readable .npz of numbers (${reason}); save it by numpy.savez`, { cause });
  }
  return { arrays, found };
}

function featuresOf(at: string, array: NpyArray): Pick<MemoryParts, 'features' | 'shape'> {
  const [, ...shape] = array.shape;
  if (shape.length < 1 || shape.length > 3) {
    throw wrong(at, array, 'images [count, height, width], with channels or without; reshape them');
  }
  const features = compact(array);
  if (shape.length < 3) return { features, shape: shape.length === 2 ? [1, ...shape] : shape };
  const [height, width, channels] = shape as [number, number, number];
  if (channels !== 1 && channels !== 3) return { features, shape };
  return { features: channelsFirst(features, height * width, channels), shape: [channels, height, width] };
}

/** In bytes, if all are whole numbers of 0 to 255, or were before they were divided by 255. */
function compact({ data, isUnit }: NpyArray): Uint8Array | Float32Array {
  if (data instanceof Uint8Array) return data;
  const scale = isUnit && data.every((value) => value <= 1) ? 255 : 1;
  const bytes = Uint8Array.from(data, (value) => Math.round(value * scale));
  const isSame = bytes.every((byte, i) => Math.abs(data[i]! * scale - byte) < 1e-3);
  return isSame ? bytes : Float32Array.from(data);
}

function labelsOf(at: string, array: NpyArray, { task, classNames }: TargetOptions): Labels {
  const { shape, data } = array;
  const width = sizeOf(shape.slice(1));
  const numbered = Array.from({ length: width }, (_, i) => String(i));
  if (task === 'regress') return { labels: Float32Array.from(data), valueNames: width === 1 ? ['value'] : numbered };
  if (task === 'multilabel') return { labels: Float32Array.from(data), classNames: classNames ?? numbered };
  const rows = Array.from({ length: shape[0]! }, (_, i) => Array.from(data.subarray(i * width, (i + 1) * width)));
  const isOneHot = (row: number[]) => row.includes(1) && row.filter((value) => value !== 0).length === 1;
  if (!rows.every(width === 1 ? ([value]) => Number.isInteger(value) : isOneHot)) {
    throw wrong(at, array, 'class indices, or one-hot rows; for other labels give --task multilabel or regress');
  }
  return {
    labels: Int32Array.from(rows, (row) => (width === 1 ? row[0]! : row.indexOf(1))),
    ...(classNames && { classNames }),
  };
}
