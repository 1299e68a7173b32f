// From what a user names, a path or a package, to the file of the module.

import { existsSync, readFileSync, statSync } from 'node:fs';
import { extname, isAbsolute, join, resolve } from 'node:path';
import { resolveModulePath } from 'exsolve';
import { UsageError } from './usage-error.js';

const extensions = ['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts'];

/** `./net.ts`, `/home/me/net.ts`, `net.ts`, `..`: a path, not a package. */
export function isPath(name: string): boolean {
  return /^\.{0,2}[/\\]|^\.{1,2}$/.test(name) || isAbsolute(name) || [...extensions, '.onnx'].includes(extname(name));
}

/**
 * The file that a path names from `folder`: itself, or a folder's entry according to its package.json. `undefined` when
 * there is no such path.
 */
export function resolvePath(path: string, folder: string): string | undefined {
  const absolute = resolve(folder, path);
  if (!existsSync(absolute)) return undefined;
  return statSync(absolute).isDirectory() ? folderEntry(absolute) : absolute;
}

/** The file of a package's entry as an import in `folder` would find it; `undefined` when it is not installed there. */
export function resolvePackage(name: string, folder: string): string | undefined {
  return resolveModulePath(name, { from: join(folder, 'package.json'), try: true });
}

// Imports cannot name a folder in ES modules; a package's own name, imported from within, leads to its entry.
function folderEntry(folder: string): string {
  const file = join(folder, 'package.json');
  if (!existsSync(file)) {
    throw new UsageError(`${folder}: the folder has no package.json; add one, or give the path of the module's file`);
  }
  const { name, exports, main = 'index.js' } = JSON.parse(readFileSync(file, 'utf8'));
  const entry = exports ? resolvePackage(name, folder) : join(folder, main);
  if (entry && existsSync(entry)) return entry;
  throw new UsageError(
    `${file}: the entry ${entry ?? 'of "exports"'} does not exist; build the package, or correct it`,
  );
}
