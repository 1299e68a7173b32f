// Downloads wheels and checks that they are the ones meant.

import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { BnError } from '@bn/core';
import { defaultIndex, PackageIndex } from './package-index.js';
import { findPip, needsPip, pipSource } from './pip.js';
import type { SetupOptions } from './setup-options.js';
import type { Wheel, WheelSource } from './wheel.js';

/**
 * Node reads the index that pip is configured to use. pip itself is taken where its configuration has more than that
 * (certificates, a proxy, …), or where Node does not reach the index.
 */
export async function chooseSource(project: string): Promise<WheelSource> {
  const pip = await findPip();
  if (pip && needsPip(pip)) return pipSource(pip);
  const index = new PackageIndex(process.env.PIP_INDEX_URL || pip?.settings.get('index-url') || defaultIndex);
  if (!pip || (await index.hasProject(project))) return index;
  return pipSource(pip);
}

/**
 * Downloads the wheels into the folder; those that are there already are kept. What an interrupted download left is
 * resumed.
 *
 * @throws BnError `file` if a download fails, or a file is not the one meant; it is deleted then
 */
export async function fetchWheels(
  wheels: readonly Wheel[],
  folder: string,
  source: WheelSource,
  options: Pick<SetupOptions, 'progress' | 'signal'>,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const wheel of wheels) {
    const file = join(folder, wheel.file);
    if (existsSync(file) && (await hashOf(file)) === wheel.sha256) continue;
    await rm(file, { force: true });
    await source.fetch(wheel, folder, options);
    const hash = await hashOf(file);
    if (hash === wheel.sha256) continue;
    await rm(file, { force: true });
    throw new BnError(
      'file',
      `${wheel.file} from ${source.description} is not the file that was published (sha256 ${hash} instead of ` +
        `${wheel.sha256}); it was deleted. Run the setup again; if that does not help, use another index`,
    );
  }
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}
