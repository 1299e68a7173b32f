// Images in folders, one folder per class.

import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { BnError, type Dataset } from '@bn/core';
import { readImageFacts, readPixels } from './decode-image.js';
import { formatNames, imageEndings } from './image-formats.js';
import { readError } from './read-error.js';
import { type ImageOptions, isGrey, type Loaded, readImages, reasonToSkip, type Skipped } from './read-images.js';

/**
 * Loads the images in a folder with one subfolder per class: `folder/boot/1.png`, `folder/shirt/summer/a.jpg`. Class indices
 * follow the sorted names of the subfolders, which become the class names; examples are sorted by class and path, so shuffle
 * (the trainer does) or `split` them. Folders below a class belong to it, symbolic links are followed,
 * and hidden files and folders are ignored, `__MACOSX` of Apple's archives too. Images become numbers as `decodeImage` says; features are uint8
 * `[channels, height, width]`. Files that cannot be read, and those of other kinds, are left out and listed in `skipped`.
 * More images than memory should hold stay in a file, from which batches are loaded (`Dataset.load`).
 *
 * @throws BnError `file` when a folder cannot be read; `data` when there are no classes, or a class has no image that can be
 * read; `argument` for an invalid size or number of channels; with `strict`, also for the first file that would be skipped.
 */
export async function loadImageFolder(folder: string, options: ImageOptions = {}): Promise<Loaded<Dataset>> {
  const { classNames, files, labels, others } = await listImages(folder, options.strict ?? false);
  const { kept, skipped, withLabels } = await readImages(files, options);
  const labelsKept = Int32Array.from(kept, (i) => labels[i]!);
  const allSkipped = [...others, ...skipped];
  requireImages(folder, classNames, labelsKept, allSkipped);
  const dataset = await withLabels({ labels: labelsKept, classNames });
  return Object.assign(dataset, { files: kept.map((i) => files[i]!), skipped: allSkipped });
}

/** What can be told of a folder of images before they are read. */
export interface ImageGlance {
  /** How many files there are. */
  readonly files: number;
  /** Whether any of a few of them is in colour. */
  readonly inColor: boolean;
  /** The longest side of a few of them, in pixels; 0 where none can be read. */
  readonly longestSide: number;
}

/** How many files a glance decodes, spread over the classes. */
const glanced = 16;

/** A first look at a folder that `loadImageFolder` would load: it decodes 16 of the files. Throws as that does. */
export async function glanceAtImageFolder(folder: string): Promise<ImageGlance> {
  const { files } = await listImages(folder, false);
  const every = Math.max(1, Math.ceil(files.length / glanced));
  const some = files.filter((_, i) => i % every === 0);
  // What cannot be read is told by whoever loads the folder.
  const glances = some.map(async (file) => {
    try {
      const { size } = await readImageFacts(file);
      const { rgb } = await readPixels(file, { size: [16, 16], invert: false });
      return { inColor: !isGrey(rgb), longestSide: Math.max(...size) };
    } catch {
      return { inColor: false, longestSide: 0 };
    }
  });
  const seen = await Promise.all(glances);
  return {
    files: files.length,
    inColor: seen.some(({ inColor }) => inColor),
    longestSide: Math.max(0, ...seen.map(({ longestSide }) => longestSide)),
  };
}

/** The files of images in a folder with one subfolder per class, in the order of the examples. */
interface ImageList {
  readonly classNames: readonly string[];
  readonly files: readonly string[];
  /** Of each file. */
  readonly labels: readonly number[];
  /** What is no image of a class. */
  readonly others: readonly Skipped[];
}

async function listImages(folder: string, strict: boolean): Promise<ImageList> {
  const classNames: string[] = [];
  const files: string[] = [];
  const labels: number[] = [];
  const others: Skipped[] = [];
  const root = await realpath(folder).catch(() => folder);
  for (const entry of await list(folder, [root])) {
    if (!entry.folders) {
      // Without an ending it may be a link that was copied as a file.
      if (isImage(entry.name) || extname(entry.name) === '')
        others.push({ file: entry.path, reason: 'beside the folders of the classes, not in one' });
      continue;
    }
    for (const { path, problem } of await filesBelow(entry)) {
      if (problem) others.push({ file: path, reason: reasonToSkip(path, problem, strict) });
      else {
        files.push(path);
        labels.push(classNames.length);
      }
    }
    classNames.push(entry.name);
  }
  if (classNames.length === 0) {
    const advice = "put each class's images into a folder of its own";
    throw new BnError('data', `${folder}: expected one subfolder per class, found none; ${advice}`);
  }
  return { classNames, files, labels, others };
}

function requireImages(
  folder: string,
  classNames: readonly string[],
  labels: Int32Array,
  skipped: readonly Skipped[],
): void {
  const counts = new Set(labels);
  const empty = classNames.findIndex((_, label) => !counts.has(label));
  if (empty < 0) return;
  const path = join(folder, classNames[empty]!);
  const left = skipped.filter(({ file }) => file.startsWith(join(path, '/')));
  const found = left[0]
    ? `${left.length} ${left.length === 1 ? 'file' : 'files'} that cannot be read (${left[0].file}: ${left[0].reason})`
    : 'none';
  const problem = `expected ${formatNames} images of a class, found ${found}`;
  throw new BnError('data', `${path}: ${problem}; add images or remove the folder`);
}

interface Entry {
  readonly name: string;
  readonly path: string;
  /** Of a folder: the real paths of it and of those above it, to which a link below must not lead back. */
  readonly folders: readonly string[] | null;
  /** Why it is not read. */
  readonly problem: BnError | null;
}

function isImage(name: string): boolean {
  return imageEndings.includes(extname(name).slice(1).toLowerCase());
}

/** Whether a file or folder is none of the user's: what a file manager or an archive left there. */
export function isHidden(name: string): boolean {
  return name.startsWith('.') || name === '__MACOSX';
}

/** Everything in a folder, sorted by name, but for what is hidden. Links are what they lead to. */
async function list(folder: string, above: readonly string[]): Promise<Entry[]> {
  const found = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw readError(folder, cause, 'a folder with one subfolder of images per class');
  });
  const shown = found.filter(({ name }) => !isHidden(name)).sort((a, b) => (a.name < b.name ? -1 : 1));
  return Promise.all(shown.map((entry) => examine(entry, join(folder, entry.name), above)));
}

async function examine(entry: Dirent, path: string, above: readonly string[]): Promise<Entry> {
  const { name } = entry;
  try {
    const target = entry.isSymbolicLink() ? await stat(path) : entry;
    if (target.isDirectory()) return { name, path, folders: [...above, await realpath(path)], problem: null };
  } catch (cause) {
    return { name, path, folders: null, problem: readError(path, cause, 'an image') };
  }
  const problem = new BnError('data', `${path}: not a ${formatNames} file; convert it, or leave it out`);
  return { name, path, folders: null, problem: isImage(name) ? null : problem };
}

/** All files of a class. */
async function filesBelow({ path, folders }: Entry): Promise<Entry[]> {
  const entries = await list(path, folders!);
  const nested = entries.map((entry) => {
    if (!entry.folders) return [entry];
    return folders!.includes(entry.folders.at(-1)!) ? [] : filesBelow(entry);
  });
  return (await Promise.all(nested)).flat();
}
