// Image files to the features of a data set, all of one size and number of channels; what cannot be read is left out and told.

import { availableParallelism } from 'node:os';
import { BnError, channelsFirst, type Dataset, greyOf } from '@bn/core';
import { type ImageSize, type Pixels, readPixels } from './decode-image.js';

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

export interface Images {
  /** uint8 `[kept.length, ...shape]`. */
  readonly features: Uint8Array;
  readonly shape: readonly [channels: number, height: number, width: number];
  /** Indices of the files that were read. */
  readonly kept: readonly number[];
  readonly skipped: readonly Skipped[];
}

const largestOwnSize = 64;

/** @throws BnError `argument` for an invalid size or number of channels; whatever `decodeImage` throws, if `strict` */
export async function readImages(files: readonly string[], options: ImageOptions): Promise<Images> {
  const { size, channels } = options;
  if (!(size ?? []).every((n) => Number.isInteger(n) && n > 0) || ![1, 3, null, undefined].includes(channels)) {
    const got = JSON.stringify({ size, channels });
    const problem = `expected a size of positive integers and 1 or 3 channels, got ${got}`;
    throw new BnError('argument', `${problem}; correct the options`);
  }
  const images = await decodeAll(files, size ?? null, options);
  return images ?? (await decodeAll(files, [largestOwnSize, largestOwnSize], options))!;
}

/** @returns null if `size` is and the images are large or differ in size */
async function decodeAll(
  files: readonly string[],
  size: ImageSize | null,
  { channels = null, invert = false, strict = false, onProgress }: ImageOptions,
): Promise<Images | null> {
  const stored = channels ?? 3;
  const failures = new Map<number, string>();
  let common = size;
  let features = new Uint8Array(0);
  let fits = true;
  let grey = true;
  const take = (i: number, { rgb, size: [height, width] }: Pixels): void => {
    const area = height * width;
    if (!common && Math.max(height, width) <= largestOwnSize) common = [height, width];
    fits &&= common?.[0] === height && common[1] === width;
    if (!fits) return;
    if (features.length === 0) features = new Uint8Array(files.length * area * stored);
    features.set(stored === 1 ? greyOf(rgb) : channelsFirst(rgb, area, 3), i * area * stored);
    grey &&= channels === null && isGrey(rgb);
  };
  let [done, told] = [0, performance.now()];
  // Workers take from one queue, so that only a few files are open at a time.
  const queue = files.entries();
  const worker = async (): Promise<void> => {
    for (const [i, file] of queue) {
      const pixels = await readPixels(file, { size, invert }).catch((error: unknown) => {
        failures.set(i, reasonToSkip(file, error, strict));
      });
      if (pixels) take(i, pixels);
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
  const shape = [channels ?? (grey ? 1 : 3), height, width] as const;
  const kept = [...files.keys()].filter((i) => !failures.has(i));
  const one = shape[0] * height * width;
  // Moved up in place: over images that were left out, and over the channels that are the first again.
  for (const [to, from] of kept.entries()) {
    const start = from * stored * height * width;
    features.copyWithin(to * one, start, start + one);
  }
  const skipped = [...failures].sort(([a], [b]) => a - b).map(([i, reason]) => ({ file: files[i]!, reason }));
  return { features: features.subarray(0, kept.length * one), shape, kept, skipped };
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
