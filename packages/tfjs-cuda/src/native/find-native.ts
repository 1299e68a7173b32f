// Looks for TensorFlow.js's native binding, without loading it.

import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { folderVariable } from '@bn/native';
import { bindingFile, cudaLibrariesFolder, nativeFolder, type SetupRecord, setupFile } from '../native-folder.js';

export interface NativeInstallation {
  /** The file of the binding. */
  readonly binding: string;
  /** Whether CUDA may be inside; only trying tells whether it computes. */
  readonly cuda: boolean;
}

/**
 * TensorFlow.js's native binding, which programs may also load for TensorFlow.js itself: from the folder that the setup command filled, else, unless a folder was named, what an npm install with install scripts
 * has left in one of TensorFlow.js's native packages; undefined if there is neither.
 */
export function findNative(): NativeInstallation | undefined {
  const folder = nativeFolder();
  const binding = join(folder, bindingFile);
  if (existsSync(binding)) return { binding, cuda: hasCuda(folder) };
  if (process.env[folderVariable]) return undefined;
  for (const name of ['tfjs-node-gpu', 'tfjs-node']) {
    const stock = stockBinding(`@tensorflow/${name}`);
    if (stock) return { binding: stock, cuda: name === 'tfjs-node-gpu' };
  }
  return undefined;
}

function hasCuda(folder: string): boolean {
  const record = join(folder, setupFile);
  if (!existsSync(record)) return existsSync(join(folder, cudaLibrariesFolder));
  return (JSON.parse(readFileSync(record, 'utf8')) as SetupRecord).variant === 'cuda';
}

function stockBinding(name: string): string | undefined {
  try {
    const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`);
    const file = join(dirname(manifest), 'lib', 'napi-v8', bindingFile);
    return existsSync(file) ? file : undefined;
  } catch {
    return undefined; // the package is not installed
  }
}
