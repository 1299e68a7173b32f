// Downloads a file over HTTP, going on where an earlier attempt stopped.

import { createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { setTimeout } from 'node:timers/promises';
import { BnError } from '@bn/core';
import { reasonOf } from './package-index.js';
import type { SetupOptions } from './setup-options.js';

export interface DownloadOptions extends Pick<SetupOptions, 'progress' | 'signal'> {
  readonly headers?: Readonly<Record<string, string>>;
  /** How large the file is. */
  readonly bytes: number;
  /** How long to wait after a failure; doubled after each, in milliseconds (default 500). */
  readonly patience?: number;
}

/** Attempts that bring nothing, one after the other, until the download is given up. */
const fruitless = 4;

/**
 * Writes what `url` gives to `file`; until it is whole, it is `file.part`, which a later call continues.
 *
 * @throws BnError `file`; what was received is kept
 */
export async function download(url: URL, file: string, options: DownloadOptions): Promise<void> {
  const { bytes, patience = 500, signal } = options;
  const part = `${file}.part`;
  let failures = 0;
  for (;;) {
    const before = await sizeOf(part);
    if (before > bytes) await rm(part);
    if (before === bytes) break;
    try {
      await receive(url, part, before > bytes ? 0 : before, options);
    } catch (error) {
      signal?.throwIfAborted();
      failures = (await sizeOf(part)) > before ? 1 : failures + 1;
      if (failures >= fruitless || error instanceof BnError) throw failure(url, error as Error);
      await setTimeout(patience * 2 ** failures, undefined, { signal });
    }
  }
  await rename(part, file);
}

async function receive(url: URL, part: string, start: number, { bytes, headers, progress, signal }: DownloadOptions) {
  const range: Record<string, string> = start > 0 ? { range: `bytes=${start}-` } : {};
  const response = await fetch(url, { headers: { ...headers, ...range }, signal });
  if (response.status >= 400 && response.status < 500 && response.status !== 429) {
    throw new BnError('file', `the server answers ${response.status}`);
  }
  if (!response.ok || !response.body) throw new Error(`the server answers ${response.status}`);
  // A server that knows no ranges sends all of it again.
  const resumed = response.status === 206;
  let received = resumed ? start : 0;
  await pipeline(
    response.body,
    async function* (chunks: AsyncIterable<Uint8Array>) {
      for await (const chunk of chunks) {
        received += chunk.length;
        progress?.({ file: url.pathname.split('/').at(-1)!, received, total: bytes });
        yield chunk;
      }
    },
    createWriteStream(part, { flags: resumed ? 'a' : 'w' }),
  );
  if (received !== bytes) throw new Error(`the file has ${received} bytes instead of ${bytes}`);
}

async function sizeOf(file: string): Promise<number> {
  return stat(file).then(
    ({ size }) => size,
    () => 0,
  );
}

function failure(url: URL, cause: Error): BnError {
  const reason = cause instanceof BnError ? cause.message : reasonOf(cause);
  return new BnError(
    'file',
    `${url.host}${url.pathname} cannot be downloaded: ${reason}; run the setup again to resume`,
    {
      cause,
    },
  );
}
