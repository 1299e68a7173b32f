// Decoded images in a file: for more of them than memory should hold, and for the next time.

import { createHash } from 'node:crypto';
import { openSync, read, readSync, rmSync, write } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { BnError } from '@bn/core';

const [readAt, writeAt] = [promisify(read), promisify(write)];

/** What is known of the images in a file. */
export interface PixelFacts {
  readonly shape: readonly [channels: number, height: number, width: number];
  /** Bytes from one image to the next: of all channels that were decoded. */
  readonly stride: number;
  /** Indices of files without pixels, and why. */
  readonly failures: readonly (readonly [index: number, reason: string])[];
}

/** Bytes that all files of a cache have, at most: those used longest ago are removed. */
const mostCached = 32 * 2 ** 30;

/** Image after image; the operating system holds as much of it as it has memory for. */
export class PixelFile {
  readonly #fd: number;
  readonly #path: string;

  private constructor(fd: number, path: string) {
    this.#fd = fd;
    this.#path = path;
  }

  /**
   * A new file, which is gone when the program ends unless it is kept.
   *
   * @param cache folder that it may be kept in; null for none
   * @throws BnError `file` if none can be made
   */
  static async create(cache: string | null): Promise<PixelFile> {
    const folder = cache ?? tmpdir();
    const path = join(folder, `bn-${process.pid}-${Math.random().toString(36).slice(2)}.pixels.new`);
    try {
      await mkdir(folder, { recursive: true });
      const file = new PixelFile(openSync(path, 'wx+'), path);
      process.once('exit', () => rmSync(path, { force: true }));
      return file;
    } catch (cause) {
      throw failure(path, cause);
    }
  }

  /** What a cache has for a key; null for nothing. */
  static async open(cache: string, key: string): Promise<{ file: PixelFile; facts: PixelFacts } | null> {
    const path = pixelsOf(cache, key);
    try {
      const { bytes, ...facts } = JSON.parse(await readFile(factsOf(path), 'utf8'));
      if ((await stat(path)).size !== bytes) return null;
      const file = new PixelFile(openSync(path, 'r'), path);
      await utimes(path, new Date(), new Date());
      return { file, facts };
    } catch {
      return null;
    }
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    try {
      for (let done = 0; done < bytes.length; ) {
        done += (await writeAt(this.#fd, bytes, done, bytes.length - done, position + done)).bytesWritten;
      }
    } catch (cause) {
      throw failure(this.#path, cause);
    }
  }

  /** Fills `into` from a position on. */
  async read(into: Uint8Array, position: number): Promise<void> {
    for (let done = 0; done < into.length; ) {
      const { bytesRead } = await readAt(this.#fd, into, done, into.length - done, position + done);
      if (bytesRead === 0) throw failure(this.#path, 'it ends too early');
      done += bytesRead;
    }
  }

  readSync(into: Uint8Array, position: number): void {
    for (let done = 0; done < into.length; ) {
      const count = readSync(this.#fd, into, done, into.length - done, position + done);
      if (count === 0) throw failure(this.#path, 'it ends too early');
      done += count;
    }
  }

  /** Keeps the file for the next time. Where that fails, as when the cache is on a system without renaming open files, it is not kept. */
  async keep(cache: string, key: string, facts: PixelFacts): Promise<void> {
    const path = pixelsOf(cache, key);
    try {
      const { size: bytes } = await stat(this.#path);
      await rename(this.#path, path);
      await writeFile(`${this.#path}.json`, JSON.stringify({ ...facts, bytes }));
      // Last: without it the pixels do not count.
      await rename(`${this.#path}.json`, factsOf(path));
      await makeRoom(cache, path);
    } catch {}
  }
}

function pixelsOf(cache: string, key: string): string {
  return join(cache, `${key}.pixels`);
}

function factsOf(pixels: string): string {
  return `${pixels}.json`;
}

async function makeRoom(cache: string, newest: string): Promise<void> {
  const paths = (await readdir(cache)).filter((name) => name.endsWith('.pixels')).map((name) => join(cache, name));
  const files = await Promise.all(paths.map(async (path) => ({ path, ...(await stat(path)) })));
  let total = 0;
  for (const { path, size } of files.sort((a, b) => b.mtimeMs - a.mtimeMs)) {
    total += size;
    if (total <= mostCached || path === newest) continue;
    await rm(factsOf(path), { force: true });
    await rm(path, { force: true });
  }
}

function failure(path: string, cause: unknown): BnError {
  const reason = cause instanceof Error ? cause.message : `${cause}`;
  const advice =
    'decoded images go to the folder that BN_DATA_CACHE names, and smaller ones take less room (--image-size)';
  return new BnError('file', `${path}: ${reason}; ${advice}`, { cause });
}

/** A key for the contents of files, in their order, and for how they are decoded. */
export async function contentKey(files: readonly string[], decoding: unknown): Promise<string> {
  const hashes: string[] = [];
  const queue = files.entries();
  const worker = async (): Promise<void> => {
    for (const [i, file] of queue) {
      // What cannot be read now is told when it is decoded.
      const bytes = await readFile(file).catch(() => null);
      hashes[i] = bytes ? createHash('sha256').update(bytes).digest('base64') : 'none';
    }
  };
  await Promise.all(Array.from({ length: 2 * availableParallelism() }, worker));
  return createHash('sha256')
    .update(JSON.stringify(['bn-pixels-1', decoding, hashes]))
    .digest('hex');
}
