// Files that a user names: what goes wrong with one names it.

import { readFile } from 'node:fs/promises';
import { BnError } from '@bn/core';

/** The value of `body`; its failures begin with the file's path. */
export function named<T>(path: string, body: () => T): T {
  try {
    return body();
  } catch (cause) {
    throw cause instanceof BnError ? new BnError(cause.code, `${path}: ${cause.message}`, { cause }) : cause;
  }
}

/** The file's bytes; null if there is none. @throws BnError `file` if it cannot be read */
export async function readIfThere(path: string): Promise<Buffer | null> {
  return readFile(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return null;
    throw new BnError('file', `${path}: cannot be read: ${cause.message}`, { cause });
  });
}

/** @throws BnError `file`, that asks for `kind`, as `an .onnx file` */
export function readNamed(path: string, kind: string): Promise<Uint8Array> {
  return readFile(path).catch((cause: NodeJS.ErrnoException) => {
    const reasons: Record<string, string> = {
      ENOENT: 'there is no such file',
      EISDIR: 'this is a folder',
      ERR_FS_FILE_TOO_LARGE: 'this is larger than 2 GiB, the most that is read at once',
      ERR_ACCESS_DENIED: 'Node runs with --permission; allow it with --allow-fs-read',
    };
    throw new BnError('file', `${path}: ${reasons[cause.code ?? ''] ?? cause.message}; give ${kind}`, { cause });
  });
}
