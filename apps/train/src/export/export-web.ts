// Writes a trained model as a folder for any file server: a page that says what is in pictures.

import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder, UsageError, writeAtomically } from '@bn/command-line';
import { BnError, formatSpec } from '@bn/core';
import { shortPath } from '../run/describe-run.js';
import { type ModelExport, sizeText } from './export-model.js';
import { compileModule, loaderFile } from './export-wasm.js';

const root = new URL('../../', import.meta.url);
const scripts = ['main.js', 'answers.js', 'camera.js', 'pictures.js', 'predictor.js', 'worker.js'];
const others = ['index.html', 'style.css', 'icon.svg', 'manifest.webmanifest'];

/**
 * Writes the folder; the files of an earlier export are replaced.
 *
 * @param options with the folder as `path`
 * @returns what to tell of it, a line
 * @throws BnError `unsupported` if the model does not take images, or the module computes something else than the trainer,
 *   `file` if something cannot be written; UsageError for a folder with other files
 */
export async function exportWeb(options: ModelExport): Promise<string> {
  const { path: folder, workingFolder, signature } = options;
  const name = shortPath(folder, workingFolder);
  if (!signature.input.image) {
    const { dtype, shape } = signature.input;
    const taken = formatSpec({ dtype, shape: [null, ...shape] });
    throw new BnError(
      'unsupported',
      `the model takes ${taken}, and the page has pictures; use --wasm or --format onnx`,
    );
  }
  await requireOwn(folder, name);
  const { module, told } = await compileModule(options);
  const page = await pageFiles();
  const files = new Map([...page, ['model.wasm', module]]);
  files.set('offline.js', await offlineScript(files));
  await makeFolder(folder);
  // The page last: it is there when all that it needs is.
  for (const [file, content] of [...files].reverse()) await writeAtomically(join(folder, file), content);
  const bytes = [...files.values()].reduce((sum, { length }) => sum + length, 0) - module.length;
  const sizes = `${sizeText(module.length)} of model and ${sizeText(bytes)} of page`;
  return `exported to ${name} (${sizes}), for any file server: ${told}`;
}

/** The page and its scripts, which are in this package, and the loader. */
async function pageFiles(): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const file of others) files.set(file, await readFile(new URL(`src/web/${file}`, root)));
  for (const file of scripts) files.set(file, await readFile(new URL(`dist/web/${file}`, root)));
  return files.set('model.js', await loaderFile('js'));
}

/** The service worker, for these files. Browsers take it as a script, which exports nothing, since not all take modules. */
async function offlineScript(files: ReadonlyMap<string, Uint8Array>): Promise<Uint8Array> {
  const hash = createHash('sha256');
  for (const [name, content] of files) hash.update(name).update(content);
  const script = await readFile(new URL('dist/web/offline.js', root), 'utf8');
  const listed = JSON.stringify([...files.keys()]);
  const version = hash.digest('hex').slice(0, 16);
  return Buffer.from(script.replace('["FILES"]', listed).replace('VERSION', version).replace('export {};', ''));
}

/** @throws UsageError if the folder has files, and not an earlier page */
async function requireOwn(folder: string, name: string): Promise<void> {
  const found = await readdir(folder).catch(({ code }: NodeJS.ErrnoException): string[] => {
    if (code === 'ENOENT') return [];
    throw new UsageError(`--web: ${name} is not a folder; give another name`);
  });
  if (found.length === 0 || (found.includes('model.wasm') && found.includes('offline.js'))) return;
  throw new UsageError(`--web: ${name} has other files in it, such as ${found[0]}; give a new folder`);
}
