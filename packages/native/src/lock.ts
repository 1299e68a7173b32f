// One setup at a time: two would write the same files.

import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BnError } from '@bn/core';

/** Runs `body` while no other process does so with this folder. A lock whose process has died is taken over. */
export async function withLock<T>(folder: string, body: () => Promise<T>): Promise<T> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, '.setup.lock');
  const holder = Number(await readFile(file, 'utf8').catch(() => '0'));
  if (holder && isAlive(holder)) throw occupied(file, holder);
  await rm(file, { force: true });
  const handle = await open(file, 'wx').catch(() => {
    throw occupied(file, undefined);
  });
  try {
    await handle.writeFile(String(process.pid));
    return await body();
  } finally {
    await handle.close();
    await rm(file, { force: true });
  }
}

function occupied(file: string, holder: number | undefined): BnError {
  const who = holder ? `process ${holder}` : 'another process';
  return new BnError('file', `${who} is running a setup; wait until it ends, or delete ${file} if none is running`);
}

function isAlive(process_: number): boolean {
  try {
    process.kill(process_, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
