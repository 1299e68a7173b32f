// Makes a folder and those that it is in. Node's recursive mkdir never returns where nobody can make folders, as in /proc.

import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { BnError } from '@bn/core';
import { writeError } from './write-atomically.js';

/**
 * Makes what is missing of the path, one folder after another.
 *
 * @param path absolute
 * @throws BnError `file`, with the folder that cannot be made
 */
export async function makeFolder(path: string): Promise<void> {
  if (await isFolder(path)) return;
  if (dirname(path) !== path) await makeFolder(dirname(path));
  await mkdir(path).catch(async (cause) => {
    // Another program may have made it meanwhile.
    if (await isFolder(path)) return;
    if (cause.code !== 'ENOENT') throw writeError(path, cause);
    throw new BnError('file', `${path}: no folder can be made in ${dirname(path)}; choose another`, { cause });
  });
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
