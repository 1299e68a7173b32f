// Where decoded images are kept: in memory, in a file, and for the next time.

import { join, resolve } from 'node:path';
import { makeFolder } from './make-folder.js';
import { UsageError } from './usage-error.js';

/** The folder that BN_DATA_CACHE names, else one in the user's cache; null where it is `off`. */
export async function dataCache(): Promise<string | null> {
  const named = process.env.BN_DATA_CACHE;
  if (named === 'off') return null;
  if (named) {
    await makeFolder(resolve(named));
    return named;
  }
  // Read when it is needed: it can fetch and unpack libraries, too.
  const { cacheFolder } = await import('@bn/native');
  return join(cacheFolder(), 'bn-images');
}

/** Bytes of decoded images to hold in memory, at most: what BN_DATA_MEMORY says in MB; undefined for the default. */
export function dataMemory(): number | undefined {
  const given = process.env.BN_DATA_MEMORY;
  if (!given) return undefined;
  if (!/^\d+$/.test(given)) {
    throw new UsageError(`BN_DATA_MEMORY: expected a whole number of MB, got '${given}'`);
  }
  return Number(given) * 1e6;
}
