// Where native libraries lie: one folder in the user's cache, with a folder in it for each library and version; and the cache itself.

import { homedir } from 'node:os';
import { join } from 'node:path';

/** The environment variable that names another folder. */
export const folderVariable = 'BN_NATIVE_DIR';

/** The folder of all native libraries: what BN_NATIVE_DIR names, else one in the user's cache. */
export function nativeRoot(): string {
  return process.env[folderVariable] || join(cacheFolder(), 'bn');
}

/** The folder of the user that programs may fill and people may empty. */
export function cacheFolder(): string {
  if (process.platform === 'win32') return process.env.LOCALAPPDATA || join(homedir(), 'AppData', 'Local');
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches');
  return process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
}
