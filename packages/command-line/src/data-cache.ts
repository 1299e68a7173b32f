// Where decoded images are kept for the next time.

import { join } from 'node:path';
import { cacheFolder } from '@bn/native';

/** The folder that BN_DATA_CACHE names, else one in the user's cache; null where it is `off`. */
export function dataCache(): string | null {
  const named = process.env.BN_DATA_CACHE;
  return named === 'off' ? null : named || join(cacheFolder(), 'bn-images');
}
