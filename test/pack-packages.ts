// Packs the packages of this repository as they would be published, and says which tarballs an installation needs.

import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type TarballFile, unpack } from '@publint/pack';

export interface PackedPackage {
  readonly name: string;
  /** Path of the file. */
  readonly tarball: string;
  readonly manifest: {
    readonly private?: boolean;
    readonly exports?: object;
    readonly dependencies?: Readonly<Record<string, string>>;
  };
  /** What is in it, by names that begin with `package/`. */
  readonly files: readonly TarballFile[];
}

/** Packs the packages and apps that are for publishing, and must be built, into `folder`; by name. */
export async function packPackages(folder: string): Promise<ReadonlyMap<string, PackedPackage>> {
  const args = ['-y', 'pnpm@12.21.0', '--recursive', '--filter', '"@bn/*"', 'pack', '--json'];
  const { stdout } = await promisify(execFile)('npx', [...args, '--pack-destination', `"${folder}"`], {
    cwd: fileURLToPath(new URL('../', import.meta.url)),
    shell: true,
    maxBuffer: 1e8,
  });
  const packed = (JSON.parse(stdout) as { name: string; filename: string }[]).map(async ({ name, filename }) => {
    const { files } = await unpack(readFileSync(filename));
    const manifest = files.find((file) => file.name === 'package/package.json')!;
    return { name, tarball: filename, manifest: JSON.parse(new TextDecoder().decode(manifest.data)), files };
  });
  const published = (await Promise.all(packed)).filter(({ manifest }) => !manifest.private);
  return new Map(published.map((entry) => [entry.name, entry]));
}

/** The packages with their dependencies on each other: what npm would fetch for `names`, once they are published. */
export function withDependencies(
  packed: ReadonlyMap<string, PackedPackage>,
  names: readonly string[],
): readonly PackedPackage[] {
  const needed = new Set(names);
  for (const name of needed) {
    const { dependencies = {} } = packed.get(name)!.manifest;
    for (const dependency of Object.keys(dependencies)) if (packed.has(dependency)) needed.add(dependency);
  }
  return [...needed].map((name) => packed.get(name)!);
}

/**
 * Does in `folder`, which may be there already, what `npm install <names>` will do once the packages are published. Without
 * install scripts, which would download.
 *
 * @param others packages of the registry
 */
export async function installPacked(
  packed: ReadonlyMap<string, PackedPackage>,
  folder: string,
  names: readonly string[],
  others: readonly string[] = [],
): Promise<void> {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  const tarballs = withDependencies(packed, names).map(({ tarball }) => `"${tarball}"`);
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'];
  await promisify(execFile)('npm', ['install', ...quiet, ...tarballs, ...others], { cwd: folder, shell: true });
}
