// Image files to the features of a data set, all of one size and number of channels; what cannot be read is left out and told.

import { stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { BnError, channelsFirst, createGenerator, type Dataset, greyOf, sizeOf } from '@bn/core';
import { type ImageSize, type Pixels, readPixels } from './decode-image.js';
import { MemoryDataset, type MemoryParts } from './memory-dataset.js';
import { contentKey, type PixelFacts, PixelFile } from './pixel-file.js';
import { PixelFileDataset } from './pixel-file-dataset.js';

export interface ImageOptions {
  /**
   * Height and width in pixels. Default: the images' own if they have all the same, of at most 64 by 64; else 64 by 64,
   * enough to tell objects apart, and few enough to train on a CPU.
   */
  readonly size?: ImageSize | null | undefined;
  /** 1: grey, 3: RGB. Default: RGB, or grey if all images are. */
  readonly channels?: 1 | 3 | null | undefined;
  /** As in `decodeImage`. */
  readonly invert?: boolean | undefined;
  /** Stop at the first file that cannot be read. Default false: such files are left out and listed. */
  readonly strict?: boolean | undefined;
  /**
   * Folder that keeps decoded images for the next time, by the contents of their files and by how they are decoded: of files of more than
   * `cacheFrom` bytes in all (default 64 MiB). Of the kept ones, those used longest ago are removed beyond 32 GiB. Default: none.
   */
  readonly cache?: string | null | undefined;
  readonly cacheFrom?: number | undefined;
  /** Bytes of decoded images that are held in memory, at most; more stay in a file. Default 256 MiB. */
  readonly inMemory?: number | undefined;
  /** Called with the number of files read and of all, at most four times a second. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** A file that was left out. */
export interface Skipped {
  readonly file: string;
  readonly reason: string;
}

/** Data, which files its examples are from (none where a file holds many), and which were left out. */
export type Loaded<D extends Dataset> = D & {
  readonly files: readonly string[];
  readonly skipped: readonly Skipped[];
};

/** The parts of a data set but for its features. */
type Labels = Pick<MemoryParts, 'labels' | 'classNames' | 'valueNames'>;

export interface Images {
  /** Indices of the files that were read. */
  readonly kept: readonly number[];
  readonly skipped: readonly Skipped[];
  /** The images that were read as a data set, with a label for each of `kept`. */
  withLabels(labels: Labels): Promise<Dataset>;
}

const largestOwnSize = 64;
/** Decoded images of more bytes than that stay in a file. */
const mostInMemory = 256 * 2 ** 20;
/** Files of fewer bytes in all are decoded again each time: that takes a second or two. */
const worthCaching = 64 * 2 ** 20;

/** @throws BnError `argument` for an invalid size or number of channels; whatever `decodeImage` throws, if `strict` */
export async function readImages(files: readonly string[], options: ImageOptions): Promise<Images> {
  const { size = null, channels = null, invert = false, strict = false, inMemory = mostInMemory } = options;
  if (!(size ?? []).every((n) => Number.isInteger(n) && n > 0) || ![1, 3, null].includes(channels)) {
    const got = JSON.stringify({ size, channels });
    const problem = `expected a size of positive integers and 1 or 3 channels, got ${got}`;
    throw new BnError('argument', `${problem}; correct the options`);
  }
  const cache = options.cache && (await isWorthCaching(files, options)) ? options.cache : null;
  const key = cache && (await contentKey(files, { size, channels, invert }));
  const known = cache && key ? await PixelFile.open(cache, key) : null;
  // A failure that is to be thrown is found by decoding.
  if (known && !(strict && known.facts.failures.length > 0)) return imagesOf(files, known.file, known.facts, inMemory);
  const decode = (wanted: ImageSize | null) => decodeAll(files, wanted, options, cache);
  const { pixels, facts } = ((await decode(size)) ?? (await decode([largestOwnSize, largestOwnSize])))!;
  if (cache && key && pixels instanceof PixelFile) await pixels.keep(cache, key, facts);
  return imagesOf(files, pixels, facts, inMemory);
}

async function isWorthCaching(files: readonly string[], { cacheFrom = worthCaching }: ImageOptions): Promise<boolean> {
  let total = 0;
  for (let start = 0; start < files.length && total < cacheFrom; start += 64) {
    const some = files.slice(start, start + 64).map((file) =>
      stat(file).then(
        ({ size }) => size,
        () => 0,
      ),
    );
    for (const size of await Promise.all(some)) total += size;
  }
  return total >= cacheFrom;
}

/** What was decoded, in memory or not, without what could not be. */
async function imagesOf(
  files: readonly string[],
  pixels: Uint8Array | PixelFile,
  { shape, stride, failures }: PixelFacts,
  inMemory: number,
): Promise<Images> {
  const missing = new Set(failures.map(([i]) => i));
  const kept = [...files.keys()].filter((i) => !missing.has(i));
  const skipped = failures.map(([i, reason]) => ({ file: files[i]!, reason }));
  const one = sizeOf(shape);
  const withLabels = async (labels: Labels): Promise<Dataset> => {
    if (pixels instanceof PixelFile) {
      const positions = kept.map((i) => i * stride);
      const dataset = new PixelFileDataset({ file: pixels, shape, positions, ...labels });
      if (kept.length * one > inMemory) return dataset;
      const features = new Uint8Array(kept.length * one);
      const unread = { epoch: null, generatorOf: createGenerator };
      await dataset.load([...kept.keys()], features, labels.labels.slice(), unread);
      return new MemoryDataset({ features, shape, ...labels });
    }
    // Moved up in place: over images that were left out, and over the channels that are the first again.
    for (const [to, i] of kept.entries()) pixels.copyWithin(to * one, i * stride, i * stride + one);
    return new MemoryDataset({ features: pixels.subarray(0, kept.length * one), shape, ...labels });
  };
  return { kept, skipped, withLabels };
}

interface Decoded {
  readonly pixels: Uint8Array | PixelFile;
  readonly facts: PixelFacts;
}

/**
 * @param cache where a file is made, whatever its size; null for memory, or a file that is not kept
 * @returns null if `size` is and the images are large or differ in size
 */
async function decodeAll(
  files: readonly string[],
  size: ImageSize | null,
  { channels = null, invert = false, strict = false, inMemory = mostInMemory, onProgress }: ImageOptions,
  cache: string | null,
): Promise<Decoded | null> {
  const stored = channels ?? 3;
  const failures = new Map<number, string>();
  let common = size;
  let pixels: Promise<Uint8Array | PixelFile> | null = null;
  let fits = true;
  let grey = true;
  const take = async (i: number, { rgb, size: [height, width] }: Pixels): Promise<void> => {
    const area = height * width;
    if (!common && Math.max(height, width) <= largestOwnSize) common = [height, width];
    fits &&= common?.[0] === height && common[1] === width;
    if (!fits) return;
    const bytes = files.length * area * stored;
    pixels ??= cache !== null || bytes > inMemory ? PixelFile.create(cache) : Promise.resolve(new Uint8Array(bytes));
    const image = stored === 1 ? greyOf(rgb) : channelsFirst(rgb, area, 3);
    grey &&= channels === null && isGrey(rgb);
    const into = await pixels;
    if (into instanceof PixelFile) await into.write(image, i * image.length);
    else into.set(image, i * image.length);
  };
  let [done, told] = [0, performance.now()];
  // Workers take from one queue, so that only a few files are open at a time.
  const queue = files.entries();
  const worker = async (): Promise<void> => {
    for (const [i, file] of queue) {
      const image = await readPixels(file, { size, invert }).catch((error: unknown) => {
        failures.set(i, reasonToSkip(file, error, strict));
      });
      if (image) await take(i, image);
      if (!fits) return;
      done++;
      if (performance.now() - told < 250 && done < files.length) continue;
      told = performance.now();
      onProgress?.(done, files.length);
    }
  };
  await Promise.all(Array.from({ length: 2 * availableParallelism() }, worker));
  if (!fits) return null;
  const [height, width] = common ?? [1, 1];
  const facts: PixelFacts = {
    shape: [channels ?? (grey ? 1 : 3), height, width],
    stride: stored * height * width,
    failures: [...failures].sort(([a], [b]) => a - b),
  };
  return { pixels: (await (pixels as Promise<Uint8Array | PixelFile> | null)) ?? new Uint8Array(0), facts };
}

export function isGrey(rgb: Uint8Array): boolean {
  for (let i = 0; i < rgb.length; i += 3) if (rgb[i] !== rgb[i + 1] || rgb[i] !== rgb[i + 2]) return false;
  return true;
}

/** Rethrows what is no fault of the file, or everything if `strict`. */
export function reasonToSkip(file: string, error: unknown, strict: boolean): string {
  const isFault = error instanceof BnError && (error.code === 'data' || error.code === 'file');
  if (strict || !isFault) throw error;
  return error.message.replace(`${file}: `, '').replace(/; [^;]*$/, '');
}
