// Loads the data that the settings name: to train and test on, or to evaluate a model on.

import { readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { BnError, type Dataset, type DatasetOutline } from '@bn/core';
import { loadCsv, loadIdx, loadImageFolder, split, subset } from '@bn/datasets';
import { fashionMnist, fashionMnistOutline } from '@bn/fashion-mnist';
import { UsageError } from './usage-error.js';

/** Which data, by name or path. */
export interface DataOptions {
  /** `fashion-mnist`, a .csv file, a folder of IDX files, or a folder with one folder of images per class. */
  readonly data: string;
  /** Data to test on, in the same forms; null for the data's own test part, else a tenth of it. */
  readonly testData: string | null;
  /** How many of the training examples are taken; null for all. */
  readonly limit: number | null;
  /** Decides which examples are held out. */
  readonly seed: number;
}

/** What the network and its training are made for. */
export interface DataOutline {
  readonly train: DatasetOutline;
  /** Number of classes, labels or values: what the network gives for each example. */
  readonly outputs: number;
  /** Their names; null where only numbers are known. */
  readonly names: readonly string[] | null;
}

export interface RunData extends DataOutline {
  readonly train: Dataset;
  readonly test: Dataset;
  /** For people: what was loaded. No path, since exported models and reports carry it. */
  readonly description: string;
}

interface Parts {
  readonly train: Dataset;
  readonly test?: Dataset;
}

/** Share of the examples that is held out for testing where data has no test part. */
const heldOut = 0.1;

/**
 * Training data, limited if the settings say so, and test data: `testData`, or the data's own test part, or a random tenth
 * of the training data.
 *
 * @param shape what the network takes, if it says so: `[channels, height, width]`
 */
export async function loadData(options: DataOptions, shape: readonly number[] | null): Promise<RunData> {
  const own = await loadParts(options.data, shape);
  const given = options.testData === null ? null : await loadParts(options.testData, shape);
  const all = given ? { train: own.train, test: given.test ?? given.train } : holdOut(own, options);
  requireSameKind(all.train, all.test);
  const train = limited(all.train, options.limit);
  const origin = given || own.test ? '' : ` (held out by seed ${options.seed}: the data has no test part)`;
  // Intl takes 20 ms when it is first used.
  const count = (n: number) => String(n).replace(/\B(?=(\d{3})+$)/g, ',');
  return {
    train,
    test: all.test,
    outputs: countClasses(train, all.test),
    names: train.classNames ?? train.valueNames ?? null,
    description: `${basename(resolve(options.data))}, ${count(train.length)} training and ${count(all.test.length)} test examples${origin}`,
  };
}

/** What `loadData` will give, if it is known before. */
export function outlineOf({ data, limit }: DataOptions): DataOutline | null {
  if (data !== 'fashion-mnist') return null;
  const { length, classNames } = fashionMnistOutline;
  return {
    train: { ...fashionMnistOutline, length: Math.min(length, limit ?? length) },
    outputs: classNames.length,
    names: classNames,
  };
}

export interface TestData {
  readonly dataset: Dataset;
  /** For people: which part of the data it is, e.g. `test part`. */
  readonly part: string;
}

/**
 * Data to evaluate a finished model on: the data's own test part, else all of it.
 *
 * @param heldOutBy of data without a test part, take only what training with this seed holds out
 * @param shape what the model takes: `[channels, height, width]`
 */
export async function loadTestData(
  { data, heldOutBy }: { readonly data: string; readonly heldOutBy: number | null },
  shape: readonly number[],
): Promise<TestData> {
  const own = await loadParts(data, shape);
  if (heldOutBy === null) return { dataset: own.test ?? own.train, part: own.test ? 'test part' : 'all of it' };
  if (own.test) throw new UsageError(`--held-out-by has no effect: ${data} has a test part; leave it out`);
  return { dataset: holdOut(own, { data, seed: heldOutBy }).test, part: `held out by seed ${heldOutBy}` };
}

function limited(train: Dataset, limit: number | null): Dataset {
  if (limit === null) return train;
  if (limit > train.length) throw new UsageError(`--limit ${limit}: there are only ${train.length} training examples`);
  return subset(train, limit);
}

async function loadParts(name: string, shape: readonly number[] | null): Promise<Parts> {
  if (name === 'fashion-mnist') return fashionMnist();
  const found = await stat(name).catch(() => null);
  if (!found) {
    throw new UsageError(`${name}: there is no such data; give fashion-mnist, or the path of a folder or a .csv file`);
  }
  if (!found.isDirectory()) {
    if (/\.csv(\.gz)?$/i.test(name)) return { train: await loadCsv(name, shape ? { shape } : {}) };
    throw new UsageError(
      `${name}: expected a .csv file, or a folder of IDX files or of one folder of images per class`,
    );
  }
  const entries = await readdir(name, { withFileTypes: true });
  if (entries.some((entry) => /^(train|t10k)-(images|labels)/.test(entry.name))) return loadIdx(name);
  const folders = new Set(entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name));
  if (!folders.has('train') || !folders.has('test')) return { train: await loadImages(name, shape) };
  return { train: await loadImages(join(name, 'train'), shape), test: await loadImages(join(name, 'test'), shape) };
}

/** Images are brought to the size that the network takes. */
function loadImages(folder: string, shape: readonly number[] | null): Promise<Dataset> {
  const [channels, height, width] = shape ?? [];
  if (shape?.length !== 3 || (channels !== 1 && channels !== 3)) return loadImageFolder(folder);
  return loadImageFolder(folder, { channels, size: [height!, width!] });
}

function holdOut({ train, test }: Parts, { data, seed }: Pick<DataOptions, 'data' | 'seed'>): Required<Parts> {
  if (test) return { train, test };
  if (train.length < 2) {
    throw new BnError('data', `${data}: one example is too few to hold out test data; add examples or --test-data`);
  }
  const parts = split(train, Math.max(heldOut, 1 / train.length), seed);
  return { train: parts.train, test: parts.validation };
}

function requireSameKind(train: Dataset, test: Dataset): void {
  const shapes = [train, test].map((dataset) => `[${dataset.features.shape.join(', ')}]`);
  if (shapes[0] !== shapes[1]) {
    throw new BnError(
      'data',
      `training examples are ${shapes[0]}, but test examples ${shapes[1]}; give test data of the same shape`,
    );
  }
  const names = [train, test].map((dataset) => dataset.classNames?.join(', '));
  if (names[0] !== undefined && names[1] !== undefined && names[0] !== names[1]) {
    throw new BnError(
      'data',
      `the training data has the classes ${names[0]}, but the test data ${names[1]}; give both the same class folders`,
    );
  }
}

function countClasses(train: Dataset, test: Dataset): number {
  if (train.classNames) return train.classNames.length;
  let highest = 0;
  for (const dataset of [train, test]) {
    for (let i = 0; i < dataset.length; i++) highest = Math.max(highest, labelOf(dataset, i));
  }
  return highest + 1;
}

/** The class index of an example. */
export function labelOf(dataset: Dataset, index: number): number {
  return dataset.get(index).label as number;
}
