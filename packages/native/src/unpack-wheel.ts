// Takes files out of a wheel.

import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type Entry, openPromise } from 'yauzl';
import type { Wheel } from './wheel.js';

/**
 * Writes the members that the wheel's table names, and its licences, into `folder`; nothing else of it. Names that would
 * lead out of the folder are an error of the library.
 */
export async function unpackWheel(file: string, wheel: Wheel, folder: string, signal?: AbortSignal): Promise<void> {
  const archive = await openPromise(file, { lazyEntries: true });
  try {
    for await (const entry of archive.eachEntry()) {
      const path = pathOf(entry.fileName, wheel);
      if (path === undefined) continue;
      const target = join(folder, path);
      await mkdir(dirname(target), { recursive: true });
      const content = await archive.openReadStreamPromise(entry);
      await pipeline(content, createWriteStream(target, { mode: modeOf(entry) }), { signal });
    }
  } finally {
    archive.close();
  }
}

/** Beside the metadata, or at the top of the package. */
const licence = /^[^/]+\/(?:licenses\/)?(?:licen[cs]e|notice|third_?party)[^/]*$/i;

function pathOf(name: string, { project, members }: Wheel): string | undefined {
  if (name.endsWith('/')) return undefined;
  if (licence.test(name)) return join('licences', project, basename(name));
  const member = members.find(([pattern]) => pattern.test(name));
  return member && name.replace(...(member as [RegExp, string]));
}

/** Programs stay executable: the upper half of the attributes is the file's mode on Unix. */
function modeOf({ externalFileAttributes }: Entry): number {
  return (externalFileAttributes >>> 16) & 0o111 ? 0o755 : 0o644;
}
