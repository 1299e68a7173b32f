// Where a command will write, checked before it computes for minutes.

import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { UsageError } from './usage-error.js';

/**
 * The absolute path of a file that a flag names.
 *
 * @throws UsageError if there is no folder for it
 */
export function fileToWrite(flag: string, path: string, cwd: string): string {
  const file = resolve(cwd, path);
  if (existsSync(dirname(file))) return file;
  throw new UsageError(`${flag} ${path}: there is no folder ${dirname(file)}; make it first`);
}
