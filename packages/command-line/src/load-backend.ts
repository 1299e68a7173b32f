// Finds a backend by name and creates it.

import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Backend, type BackendOptions, BnError, type Diagnosis } from '@bn/core';
import type { Setup } from '@bn/native';
import { type ComputeOptions, requireExactMode } from './backend-flags.js';
import { importModule } from './import-module.js';
import { notInstalled, optionalBackends } from './optional-package.js';
import { isPath, resolvePackage, resolvePath } from './resolve-module.js';
import { UsageError } from './usage-error.js';

/** What a backend package exports. */
export interface BackendModule {
  createBackend(options: BackendOptions): Promise<Backend>;
  /** What is installed, what loads and what computes. */
  diagnose?(): Promise<readonly Diagnosis[]>;
  /** Installs what the backend needs beyond npm. */
  setup?: Setup;
}

/** Where the backends are that this package depends on, or has beside it. */
const here = import.meta.dirname;

/**
 * `reference` is the package @bn/reference; a path leads to a file, or to a folder with a package.json; anything else is a
 * package. Packages are looked for from the working directory, then beside the program.
 *
 * @throws UsageError when there is no such backend, or it has no exact mode and was asked for that; BnError `backend` when it does not load, or lacks the device or engine
 */
export async function loadBackend(name: string, workingFolder: string, options: ComputeOptions): Promise<Backend> {
  if (options.exact) requireExactMode(name);
  const { module } = await importBackend(name, workingFolder);
  const backend = await module.createBackend(options);
  const { engine } = options;
  if (engine === undefined || backend.engine === engine) return backend;
  // Else a run would bear the name of something that did not compute.
  await backend.dispose();
  const has = backend.engine === undefined ? 'it has only one' : `it chose ${backend.engine}`;
  throw new BnError('backend', `there is no engine '${engine}' in ${name}: ${has}; leave out the engine`);
}

/** The module of a backend, found as `loadBackend` does, and its file. */
export async function importBackend(
  name: string,
  workingFolder: string,
): Promise<{ readonly file: string; readonly module: BackendModule }> {
  const file = await requireBackend(name, workingFolder);
  const module: object = await importFile(file).catch((cause: Error) => {
    const problem = `the backend ${name} does not load (${file}: ${cause.message})`;
    throw new BnError('backend', `${problem}; repair or reinstall it`, { cause });
  });
  if (!isBackendModule(module)) {
    throw new UsageError(`${file}: not a backend; it must export createBackend({ device, threads })`);
  }
  return { file, module };
}

/** The file of a backend's entry. @throws UsageError when there is no such backend, or it is not installed */
export async function requireBackend(name: string, workingFolder: string): Promise<string> {
  const file = findBackend(name, workingFolder);
  if (file) return file;
  throw new UsageError(absentBackend(name) ?? (await unknownBackend(name, workingFolder)));
}

/** Why one of our backends that are not dependencies is not there, and how to get it. */
function absentBackend(name: string): string | undefined {
  const ours = optionalBackends.find((ours) => [ours, `@bn/${ours}`].includes(name));
  return ours && notInstalled(`@bn/${ours}`, `--backend ${name}`);
}

/** The file of a backend's entry. */
export function findBackend(name: string, workingFolder: string): string | undefined {
  if (isPath(name)) return resolvePath(name, workingFolder);
  const names = name.startsWith('@') ? [name] : [`@bn/${name}`, name];
  for (const candidate of names) {
    const file = resolvePackage(candidate, workingFolder) ?? resolvePackage(candidate, here);
    if (file) return file;
  }
  return undefined;
}

// Native imports keep a package's own copies of what it imports; Node alone cannot read TypeScript.
function importFile(file: string): Promise<object> {
  return /\.[cm]?ts$/.test(file) ? importModule(file) : import(pathToFileURL(file).href);
}

function isBackendModule(module: object): module is BackendModule {
  return 'createBackend' in module && typeof module.createBackend === 'function';
}

async function unknownBackend(name: string, workingFolder: string): Promise<string> {
  const installed = (await installedBackends(workingFolder)).join(', ') || 'none';
  if (isPath(name)) return `--backend ${name}: there is no such file or folder; installed: ${installed}`;
  return (
    `unknown backend '${name}'; installed: ${installed}. Others are packages: \`npm install @bn/<name>\` adds one of ours, ` +
    'any other package works by its full name, and one of your own by its path, such as ./my-backend'
  );
}

/** Names of the @bn packages, here and in the working directory, that export a backend. */
export async function installedBackends(workingFolder: string): Promise<string[]> {
  const names = new Set<string>();
  for (const folder of scopeFolders(workingFolder, here)) {
    for (const name of readdirSync(folder)) {
      const file = resolvePackage(`@bn/${name}`, dirname(dirname(folder)));
      const module: object = file ? await import(pathToFileURL(file).href).catch(() => ({})) : {};
      if (isBackendModule(module)) names.add(name);
    }
  }
  return [...names].sort();
}

/** Every node_modules/@bn in the folders and above them. */
function scopeFolders(...folders: readonly string[]): string[] {
  return folders.flatMap((folder) => {
    const found = [];
    for (let at = folder, above = ''; at !== above; above = at, at = dirname(at))
      found.push(join(at, 'node_modules', '@bn'));
    return found.filter((folder) => existsSync(folder));
  });
}
