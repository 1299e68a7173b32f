// Loads the data that the settings name: to train and test on, or to evaluate a model on.

import { readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import {
  BnError,
  type Dataset,
  type DatasetOutline,
  formatShape,
  formatSpec,
  matchClasses,
  sameShape,
  sizeOf,
} from '@bn/core';
import {
  type CsvOptions,
  glanceAtImageFolder,
  type ImageOptions,
  idxName,
  isHidden,
  loadCsv,
  loadIdx,
  loadImageFolder,
  loadNpz,
  relabel,
  type Skipped,
  split,
  subset,
  type TargetOptions,
} from '@bn/datasets';
import { dataCache, dataMemory } from './data-cache.js';
import { notInstalled } from './optional-package.js';
import { UsageError } from './usage-error.js';

/** How files become examples. `size` and `channels` are null for what the network takes, else by the images. */
export interface ReadingOptions extends ImageOptions, Omit<TargetOptions, 'classNames'> {
  /** As up to version 0.1.0: images become grey, 28×28, and what is held out is not balanced by class. */
  readonly earlier?: boolean | undefined;
  /** Whether there is to be validation data: the data's own, else a tenth of the training data. */
  readonly validation?: boolean | undefined;
}

/** Which data, by name or path. */
export interface DataOptions extends ReadingOptions {
  /** `fashion-mnist`, a .csv or .npz file, a folder of IDX files, or a folder with one folder of images per class. */
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
  /** To compare epochs by; null unless that was asked for. No example of it is in another part. */
  readonly validation: Dataset | null;
  readonly test: Dataset;
  /** For people: what was loaded. No path, since exported models and reports carry it. */
  readonly description: string;
  /** Files that were left out. */
  readonly skipped: readonly Skipped[];
  /** What is odd about it. */
  readonly warnings: readonly string[];
}

/** Data as it is, before parts of it are held out. */
export interface DataParts {
  readonly train: Dataset;
  readonly test?: Dataset | undefined;
  /** Is the test part, too, where the data has no other. */
  readonly validation?: Dataset | undefined;
  /** Which files the examples of each part are from, where each has its own. */
  readonly files?: { readonly train: readonly string[]; readonly test?: readonly string[] } | undefined;
  readonly skipped?: readonly Skipped[] | undefined;
  readonly warnings?: readonly string[] | undefined;
  /** For people: which part is the test part, or is not used. */
  readonly note?: string | undefined;
}

/** Share of the examples that is held out for testing where data has no test part, and of the rest for validation. */
const share = 0.1;

/**
 * Training data, limited if the settings say so, and test data: `testData`, or the data's own test part, or a random tenth
 * of the training data.
 *
 * @param shape what the network takes, if it says so: `[channels, height, width]`
 */
export async function loadData(options: DataOptions, shape: readonly number[] | null): Promise<RunData> {
  const own = await loadParts(options.data, options, shape);
  // Test data is made what the training data is.
  const { shape: like } = own.train.features;
  const given = options.testData === null ? null : await loadParts(options.testData, options, like as number[]);
  const { train: learned, test: tested } = given
    ? { train: own.train, test: given.test ?? given.train }
    : holdOut(own, 'test', options);
  const test = matchPart('test', learned, tested);
  const spare = given || own.validation !== own.test ? own.validation : undefined;
  const matched = spare && options.validation ? matchPart('validation', learned, spare) : null;
  const { train: rest, test: validation } = options.validation
    ? holdOut({ train: learned, test: matched?.data }, 'validation', options)
    : { train: learned, test: null };
  const train = limited(rest, options.limit);
  // Intl takes 20 ms when it is first used.
  const count = ({ length }: Dataset) => String(length).replace(/\B(?=(\d{3})+$)/g, ',');
  const validating = validation ? `, ${count(validation)} validation` : '';
  const counts = `${count(train)} training${validating} and ${count(test.data)} test examples of ${kindOf(train)}`;
  const heldOut = [...(validation && !matched ? ['validation'] : []), ...(given || own.test ? [] : ['test'])];
  const isTest = heldOut.join() === 'test';
  const how = `held out by seed ${options.seed}${isTest ? ': the data has no test part' : ''}`;
  const origin = heldOut.length > 0 ? ` (${isTest ? '' : `${heldOut.join(' and ')} `}${how})` : '';
  const notes = [test.note, matched?.note ?? null].filter((note) => note !== null);
  return {
    train,
    validation,
    test: test.data,
    outputs: countOutputs(train, test.data, ...(validation ? [validation] : [])),
    names: train.classNames ?? train.valueNames ?? null,
    description: `${basename(resolve(options.data))}, ${counts}${origin}${given ? '' : (own.note ?? '')}`,
    skipped: [...(own.skipped ?? []), ...(given?.skipped ?? [])],
    warnings: [...(own.warnings ?? []), ...darkness(own.train), ...notes],
  };
}

/** For people: `28×28 grey`. */
export function kindOf({ features: { shape, dtype } }: Dataset): string {
  const [channels, height, width] = shape;
  const colours = channels === 1 ? 'grey' : 'RGB';
  return shape.length === 3 && (channels === 1 || channels === 3)
    ? `${height}×${width} ${colours}`
    : `${dtype} ${formatShape(shape)}`;
}

/** Whether pixels seem to be of another range than is taken. */
function darkness(data: Dataset): string[] {
  if (data.features.dtype !== 'uint8') return [];
  for (let i = 0; i < data.length; i++) {
    const { features } = data.get(i);
    for (let at = 0; at < features.length; at++) if (features[at]! > 1) return [];
  }
  return [
    'no pixel is above 1, but pixels are taken as 0 to 255, so all images are almost black; multiply them by 255',
  ];
}

/** What `loadData` will give, if it is known before. */
export async function outlineOf({
  data,
  limit,
  validation,
}: Pick<DataOptions, 'data' | 'limit' | 'validation'>): Promise<DataOutline | null> {
  if (data !== 'fashion-mnist') return null;
  const { fashionMnistOutline } = await importFashionMnist();
  const { length: all, classNames } = fashionMnistOutline;
  const length = all - (validation ? Math.round(all * share) : 0);
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
  /** Files that were left out. */
  readonly skipped: readonly Skipped[];
}

/**
 * Data to evaluate a finished model on: the data's own test part, else all of it.
 *
 * @param heldOutBy of data without a test part, take only what training with this seed holds out
 * @param shape what the model takes: `[channels, height, width]`
 */
export async function loadTestData(
  { data, heldOutBy, ...options }: ReadingOptions & { readonly data: string; readonly heldOutBy: number | null },
  shape: readonly number[],
): Promise<TestData> {
  const own = await loadParts(data, options, shape);
  const { skipped = [] } = own;
  const part = own.test ? 'test part' : 'all of it';
  if (heldOutBy === null) return { dataset: own.test ?? own.train, part, skipped };
  if (own.test) throw new UsageError(`--held-out-by has no effect: ${data} has a test part; leave it out`);
  const { test } = holdOut(own, 'test', { data, seed: heldOutBy });
  return { dataset: test, part: `held out by seed ${heldOutBy}`, skipped };
}

function limited(train: Dataset, limit: number | null): Dataset {
  if (limit === null) return train;
  if (limit > train.length) throw new UsageError(`--limit ${limit}: there are only ${train.length} training examples`);
  return subset(train, limit);
}

/** @param shape what a network takes */
export async function loadParts(
  name: string,
  options: ReadingOptions,
  shape: readonly number[] | null,
): Promise<DataParts> {
  const parts: DataParts =
    name === 'fashion-mnist'
      ? await (await importFashionMnist()).fashionMnist()
      : await loadFiles(name, options, shape);
  const { train, test, validation } = parts;
  for (const part of [train, test, validation]) if (part) requireAsked(name, part, options);
  const shaped = test && inShape(test, shape);
  return {
    ...{ ...parts, train: inShape(train, shape) },
    ...(shaped && { test: shaped }),
    ...(validation && { validation: validation === test ? shaped : inShape(validation, shape) }),
  };
}

/** @throws UsageError when the data set is not installed, which is a package of its own */
async function importFashionMnist(): Promise<typeof import('@bn/fashion-mnist')> {
  return import('@bn/fashion-mnist').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ERR_MODULE_NOT_FOUND') throw cause;
    throw new UsageError(notInstalled('@bn/fashion-mnist', '--data fashion-mnist'));
  });
}

async function loadFiles(name: string, options: ReadingOptions, shape: readonly number[] | null): Promise<DataParts> {
  const found = await stat(name).catch(() => null);
  const forms = 'fashion-mnist, or the path of a folder, or of a .csv or .npz file';
  if (!found) throw new UsageError(`${name}: there is no such data; give ${forms}`);
  const reading = { ...readingOf(options, shape), cache: await dataCache(), inMemory: dataMemory() };
  if (found.isDirectory()) {
    const earlier = { ...reading, size: reading.size ?? [28, 28], channels: reading.channels ?? 1 };
    return loadFolder(name, { ...options, ...(options.earlier ? earlier : reading) });
  }
  if (/\.npz$/i.test(name)) {
    const { train, test, val } = await loadNpz(name, reading);
    const tested = test ?? val;
    const note = noteOf(test && 'test', val && 'val', options);
    return { train, validation: val, ...(tested && { test: tested, note }) };
  }
  if (!/\.csv(\.gz)?$/i.test(name)) {
    const folders = 'a folder of IDX files or of one folder of images per class';
    throw new UsageError(`${name}: expected a .csv or .npz file, or ${folders}`);
  }
  const train = await loadCsv(name, { ...reading, ...(shape && { shape }) });
  return { train, skipped: train.skipped, files: { train: train.files } };
}

/** What the user asks for, else what the network takes: `[channels, height, width]`, `[height, width]`, or all in a row. */
function readingOf(options: ReadingOptions, shape: readonly number[] | null): CsvOptions {
  const side = Math.sqrt(shape?.length === 1 ? shape[0]! : Number.NaN);
  const row = Number.isInteger(side) ? [1, side, side] : [];
  const [channels, height, width] = shape?.length === 3 ? shape : shape?.length === 2 ? [1, ...shape] : row;
  const own = channels === 1 || channels === 3 ? channels : null;
  const ownSize = own && height && width ? ([height, width] as const) : null;
  return { ...options, size: options.size ?? ownSize, channels: options.channels ?? own };
}

const transposed =
  "EMNIST's images are stored column after column, and taken so: images that the model is to recognize must be too";

/** What lies where in a folder of data. */
interface Layout {
  /** A file of IDX data; then the folder has no images. */
  readonly idx?: string;
  /** Folders with one folder of images per class. */
  readonly train: string;
  readonly test?: string | undefined;
  /** Is tested on where there is no other. */
  readonly val?: string | undefined;
}

async function layoutOf(folder: string): Promise<Layout> {
  const entries = (await readdir(folder, { withFileTypes: true })).filter(({ name }) => !isHidden(name));
  const idx = entries.find((entry) => !entry.isDirectory() && idxName.test(entry.name));
  if (idx) return { idx: idx.name, train: folder };
  const names = entries.filter((entry) => entry.isDirectory() || entry.isSymbolicLink()).map(({ name }) => name);
  const find = (pattern: RegExp) => names.find((name) => pattern.test(name));
  const [train, test, val] = [find(/^train(ing)?$/i), find(/^test(ing)?$/i), find(/^val(id(ation)?)?$/i)];
  if (!train || !(test ?? val)) return { train: train && names.length === 1 ? join(folder, train) : folder };
  const within = (name: string | undefined) => name && join(folder, name);
  return { train: join(folder, train), test: within(test), val: within(val) };
}

/** In pixels: MNIST's pictures are 28 high and wide, CIFAR's 32. */
const smallSide = 32;

/**
 * How many training images a folder of photographs has: images that reach the network in colour, or larger than 32 by 32. Null for
 * all other data.
 *
 * @param asked whether the network gets them in grey, and with what height and width; null for their own
 */
export async function countPhotographs(
  data: string,
  asked: { readonly grey: boolean; readonly side: number | null },
): Promise<number | null> {
  if (!(await stat(data).catch(() => null))?.isDirectory()) return null;
  const { idx, train } = await layoutOf(data);
  if (idx) return null;
  // What is wrong with the folder is told when it is loaded.
  const glance = await glanceAtImageFolder(train).catch(() => null);
  if (!glance) return null;
  const inColor = glance.inColor && !asked.grey;
  return inColor || (asked.side ?? glance.longestSide) > smallSide ? glance.files : null;
}

async function loadFolder(folder: string, options: ReadingOptions): Promise<DataParts> {
  const { idx, train, test, val } = await layoutOf(folder);
  const tests = test ?? val;
  if (idx) return { ...(await loadIdx(folder)), warnings: /emnist/i.test(idx) ? [transposed] : [] };
  const trained = await loadImageFolder(train, options);
  if (!tests) return { train: trained, skipped: trained.skipped, files: { train: trained.files } };
  const [channels, ...size] = trained.features.shape as [1 | 3, number, number];
  const read = (name: string) => loadImageFolder(name, { ...options, channels, size });
  const tested = await read(tests);
  const validation = val === tests ? tested : val && options.validation ? await read(val) : undefined;
  const others = [tested, ...(validation && validation !== tested ? [validation] : [])];
  return {
    train: trained,
    test: tested,
    validation,
    files: { train: trained.files, test: tested.files },
    skipped: [trained, ...others].flatMap(({ skipped }) => skipped),
    note: noteOf(test, val && basename(val), options),
  };
}

/** Data has one part to test on; another is for validation. */
function noteOf(test: string | undefined, val: string | undefined, { validation }: ReadingOptions): string {
  if (!val || (test && validation)) return '';
  return test ? ` (${val} is not used)` : ` (test part: ${val})`;
}

/** Sizes that are asked for are those of image files: what is pixels already keeps its own. */
function requireAsked(name: string, dataset: Dataset, { size, channels }: ReadingOptions): void {
  const { shape } = dataset.features;
  const asked = [channels ?? shape[0]!, ...(size ?? shape.slice(-2))];
  if (!(size || channels) || sameShape(shape, asked)) return;
  const problem = `--image-size and --channels have no effect on ${name}, which is ${kindOf(dataset)}`;
  throw new UsageError(`${problem}: only image files are resized; leave them out`);
}

/** With or without dimensions of 1, or in a row, as the network takes it: the order of the values is the same. */
function inShape(dataset: Dataset, shape: readonly number[] | null): Dataset {
  const own = dataset.features.shape;
  const long = (sizes: readonly (number | null)[]) => sizes.filter((n) => n !== 1);
  const isSame = !shape || sameShape(own, shape);
  if (isSame || !(sameShape(long(own), long(shape)) || sameShape(shape, [sizeOf(own)]))) return dataset;
  return { ...subset(dataset, dataset.length), features: { ...dataset.features, shape } };
}

/** @param part what is held out of the training data, unless there is such a part */
function holdOut(
  { train, test }: Pick<DataParts, 'train' | 'test'>,
  part: 'test' | 'validation',
  { data, seed, earlier = false }: Pick<DataOptions, 'data' | 'seed' | 'earlier'>,
): { readonly train: Dataset; readonly test: Dataset } {
  if (test) return { train, test };
  if (train.length < 2) {
    const cure = part === 'test' ? '--test-data' : 'train with --keep last';
    throw new BnError('data', `${data}: one example is too few to hold out ${part} data; add examples or ${cure}`);
  }
  const parts = split(train, Math.max(share, 1 / train.length), seed, { byClass: !earlier });
  return { train: parts.train, test: parts.validation };
}

/** Test or validation data with the classes of the training data, which are found by name. */
function matchPart(
  name: string,
  train: Dataset,
  data: Dataset,
): { readonly data: Dataset; readonly note: string | null } {
  const kinds = [train, data].map(({ features, labels, valueNames }) => {
    const learned = labels?.dtype === 'float32' ? (valueNames?.join(', ') ?? 'labels') : 'classes';
    return `${formatSpec(features)} with ${learned}`;
  });
  if (kinds[0] !== kinds[1]) {
    const problem = `training examples are ${kinds[0]}, but ${name} examples ${kinds[1]}`;
    throw new BnError('data', `${problem}; give ${name} data of the same kind`);
  }
  if (!train.classNames && !data.classNames) return { data, note: null };
  const [from, to] = [data, train].map((part) => ({
    names: part.classNames ?? null,
    count: countOutputs(part),
    present: part.classNames ? undefined : numbersIn(part),
  }));
  const { index, names, note } = matchClasses(
    { ...from!, what: `the ${name} data` },
    { ...to!, what: 'the training data' },
  );
  const isSame = names.length === index.length && index.every((to, from) => to === from);
  return { data: isSame ? data : relabel(data, index, names), note };
}

/** Number of classes, labels or values. */
function countOutputs(...parts: readonly Dataset[]): number {
  const [{ classNames, labels }] = parts as [Dataset];
  if (classNames) return classNames.length;
  if (labels?.dtype === 'float32') return sizeOf(labels.shape);
  let highest = 0;
  for (const label of numbersIn(...parts)) highest = Math.max(highest, label);
  return highest + 1;
}

/** The class indices that occur. */
export function numbersIn(...parts: readonly Dataset[]): ReadonlySet<number> {
  const numbers = new Set<number>();
  for (const part of parts) for (let i = 0; i < part.length; i++) numbers.add(part.get(i).label as number);
  return numbers;
}

/** The label of each example, or its labels or values. */
export function labelsOf(dataset: Dataset): number[][] {
  return Array.from({ length: dataset.length }, (_, i) => {
    const { label } = dataset.get(i);
    return typeof label === 'number' ? [label] : Array.from(label);
  });
}
