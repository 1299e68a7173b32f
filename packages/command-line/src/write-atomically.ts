// Writes a file so that at any moment, whatever fails, either the old or the new content is there, whole.

import { randomUUID } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { BnError } from '@bn/core';

/**
 * Writes a temporary file beside `path`, flushes it to the disk, reads it back and renames it.
 *
 * @param content or what writes it into the temporary file; such a file is not read back
 * @param check called with the temporary file before it is renamed; what it throws prevents that
 * @throws BnError `file`; the temporary file is removed, and the old content is kept
 */
export async function writeAtomically(
  path: string,
  content: string | Uint8Array | ((temporary: string) => Promise<void>),
  check?: (temporary: string) => Promise<unknown>,
): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}.tmp`);
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  try {
    const file = await open(temporary, 'wx');
    try {
      if (typeof bytes === 'function') await bytes(temporary);
      else await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    if (typeof bytes !== 'function' && !(await readFile(temporary)).equals(bytes)) {
      throw new BnError(
        'file',
        `${path}: what was written reads back differently; the disk may be failing, use another`,
      );
    }
    await check?.(temporary);
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {});
    throw cause instanceof BnError ? cause : writeError(path, cause);
  }
}

/** What was thrown while `path` was written, as a BnError `file`. */
export function writeError(path: string, cause: unknown): BnError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const reasons: Record<string, string> = {
    ENOSPC: 'the disk is full; free some space',
    EDQUOT: 'the disk quota is used up; free some space',
    EACCES: 'no permission; choose another folder',
    ERR_ACCESS_DENIED: 'Node runs with --permission; allow it with --allow-fs-write',
    EPERM: 'it is not permitted; choose another folder',
    EISDIR: 'it is a folder; give the name of a file',
    EROFS: 'the disk is read-only; choose another folder',
    EEXIST: 'a file has that name; choose another folder',
    ENOENT: 'there is no such folder; make it first',
    ENOTDIR: 'a part of the path is not a folder; choose another folder',
  };
  return new BnError('file', `${path}: cannot be written: ${reasons[code ?? ''] ?? message}`, { cause });
}

// The new name survives a power cut only once the folder is on the disk too. Windows cannot open folders.
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => null);
  await handle?.sync().catch(() => {});
  await handle?.close();
}
