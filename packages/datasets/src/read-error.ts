// Failures of reading, as BnErrors that name the path and say what to do.

import { BnError } from '@bn/core';

/**
 * What was thrown while `path` was read, as a BnError: `data` for damaged gzip, `file` for everything else. A BnError
 * stays as it is. `expected` completes "give the path of …".
 */
export function readError(path: string, cause: unknown, expected: string): BnError {
  if (cause instanceof BnError) return cause;
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code?.startsWith('Z_')) {
    return new BnError('data', `${path}: the gzip data is damaged or cut off (${message}); download or copy it again`, {
      cause,
    });
  }
  const problem = code === 'ENOENT' ? 'no such file or folder' : `cannot be read (${message})`;
  return new BnError('file', `${path}: ${problem}; give the path of ${expected}`, { cause });
}
