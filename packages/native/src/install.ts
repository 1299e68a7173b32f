// Installs a set of native libraries as one folder, which is there whole or not at all.

import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rename, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BnError } from '@bn/core';
import { chooseSource, fetchWheels } from './fetch-wheels.js';
import { withLock } from './lock.js';
import { nativeRoot } from './native-folder.js';
import type { SetupOptions } from './setup-options.js';
import { unpackWheel } from './unpack-wheel.js';
import { sizeText, totalOf, type Wheel, type WheelSource } from './wheel.js';

export interface Installation {
  /** Of the folder, with the version, e.g. `tensorflow-2.21.0`. */
  readonly name: string;
  readonly wheels: readonly Wheel[];
  /** What setup.json in the folder will say: versions, variants. */
  readonly record: Readonly<Record<string, string>>;
  /** Whether what is installed, by its record, will do; the default is that the records are equal. */
  readonly suffices?: ((present: Readonly<Record<string, string>>) => boolean) | undefined;
  /** Throws if what `finish` needs is not there; asked before anything is fetched. */
  readonly prepare?: (() => Promise<void>) | undefined;
  /** What is to be done in the folder once the wheels are unpacked. */
  readonly finish?: ((folder: string) => Promise<void>) | undefined;
  /** Chosen by pip's configuration if left out. */
  readonly source?: WheelSource | undefined;
}

const recordFile = 'setup.json';

/** What was installed under this name; undefined if nothing was. */
export function installed(name: string): Record<string, string> | undefined {
  const file = join(nativeRoot(), name, recordFile);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}

/**
 * Tells what will be fetched, fetches it, and puts it in place; does nothing if all is there.
 *
 * @throws BnError `file` if the disk is too small, or a download fails: what was downloaded is resumed next time
 */
export async function install(installation: Installation, options: SetupOptions): Promise<void> {
  const { name, wheels, record } = installation;
  const { say = () => {}, dryRun, signal } = options;
  const target = join(nativeRoot(), name);
  const present = installed(name);
  const suffices = installation.suffices ?? ((other) => JSON.stringify(other) === JSON.stringify(record));
  if (present && suffices(present)) return say(`${target} has it all; nothing to do`);

  const source = installation.source ?? (await chooseSource(wheels[0]!.project));
  announce(wheels, source, target, say);
  if (dryRun) return;
  await installation.prepare?.();
  await withLock(nativeRoot(), async () => {
    await requireSpace(wheels);
    const downloads = join(nativeRoot(), 'downloads');
    await fetchWheels(wheels, downloads, source, options);
    const temporary = await mkdtemp(join(nativeRoot(), `.${name}-`));
    try {
      say('unpacking');
      for (const wheel of wheels) await unpackWheel(join(downloads, wheel.file), wheel, temporary, signal);
      await installation.finish?.(temporary);
      await writeFile(join(temporary, recordFile), `${JSON.stringify(record, null, 2)}\n`);
      await replace(target, temporary);
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
    for (const { file } of wheels) await rm(join(downloads, file));
    say(`installed in ${target}`);
  });
}

/** Deletes what was installed under the name, and what interrupted downloads have left. */
export async function uninstall(name: string, { say = () => {}, dryRun }: SetupOptions): Promise<void> {
  const present = [join(nativeRoot(), name), join(nativeRoot(), 'downloads')].filter((path) => existsSync(path));
  if (present.length === 0) return say(`there is nothing in ${nativeRoot()} to delete`);
  if (dryRun) return say(`would delete ${present.join(' and ')}`);
  await withLock(nativeRoot(), async () => {
    for (const path of present) await rm(path, { recursive: true });
  });
  say(`deleted ${present.join(' and ')}`);
}

function announce(wheels: readonly Wheel[], source: WheelSource, target: string, say: (line: string) => void): void {
  say(`from ${source.description}:`);
  for (const { project, version, bytes, licence } of wheels) {
    say(`  ${`${project} ${version}`.padEnd(36)} ${sizeText(bytes).padStart(7)}  ${licence}`);
  }
  const [bytes, unpacked] = [totalOf(wheels, 'bytes'), totalOf(wheels, 'unpackedBytes')];
  say(`  ${sizeText(bytes)} in all, ${sizeText(unpacked)} on disk, in ${target}`);
}

async function requireSpace(wheels: readonly Wheel[]): Promise<void> {
  const { bavail, bsize } = await statfs(nativeRoot());
  const needed = totalOf(wheels, 'bytes') + totalOf(wheels, 'unpackedBytes');
  if (bavail * bsize >= needed) return;
  throw new BnError(
    'file',
    `${nativeRoot()}: the setup needs ${sizeText(needed)} temporarily, but only ${sizeText(bavail * bsize)} is free; ` +
      'free some space, or name a folder on another disk in BN_NATIVE_DIR',
  );
}

/** A folder cannot be renamed onto one that has files. */
async function replace(target: string, by: string): Promise<void> {
  const old = `${by}-old`;
  if (existsSync(target)) await rename(target, old);
  await rename(by, target);
  await rm(old, { recursive: true, force: true });
}
