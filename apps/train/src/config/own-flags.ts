// Checks of flags that are no knobs, but a command's own.

import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Kind, UsageError } from '@bn/command-line';

/** @throws UsageError for a value that is none of its kind */
export function checkedFlag<T>(kind: Kind<T>, name: string, given: string | true): T {
  if (typeof given === 'string' && given.startsWith('--')) {
    throw new UsageError(`--${name}: the value is missing before ${given}`);
  }
  const { data } = kind.schema.safeParse(kind.fromText(String(given)));
  if (data === undefined) throw new UsageError(`--${name}: expected ${kind.expects}, got '${given}'`);
  return data;
}

/**
 * The absolute path of `--html`.
 *
 * @throws UsageError if there is no folder for it: told before minutes of computation
 */
export function fileToWrite(path: string, cwd: string): string {
  const file = resolve(cwd, path);
  if (existsSync(dirname(file))) return file;
  throw new UsageError(`--html ${path}: there is no folder ${dirname(file)}; make it first`);
}
