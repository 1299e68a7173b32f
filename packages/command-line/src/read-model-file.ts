// Reads ONNX files, with the weights that lie in a file beside them.

import { realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute, relative, resolve, sep } from 'node:path';
import { BnError } from '@bn/core';
import { named, readNamed } from './named-file.js';

/**
 * The model in a file, with all of its weights inside. Weights are read from the model's own folder and those below, and
 * from nowhere else, whatever the file or a link says.
 *
 * @throws BnError `file` if a file cannot be read, `data` if the model names others or is no model; both name the model
 */
export async function readModelFile(path: string): Promise<Uint8Array> {
  const bytes = await readNamed(path, 'an .onnx file');
  const { embedExternalData } = await import('@bn/onnx');
  return embedExternalData(bytes, (location) => readBeside(dirname(path), location)).catch((cause) =>
    named(path, () => {
      throw cause;
    }),
  );
}

async function readBeside(parent: string, location: string): Promise<Uint8Array> {
  const folder = await realpath(parent);
  const wanted = resolve(folder, location);
  const found = await realpath(wanted).catch(() => null);
  for (const file of [wanted, found ?? wanted]) {
    const way = relative(folder, file);
    if (way !== '' && !isAbsolute(way) && way.split(sep)[0] !== '..') continue;
    const problem = `its weights would be in '${location}', outside of its folder`;
    throw new BnError('data', `${problem}; put them beside the model`);
  }
  // No pipes or devices: they may never end.
  if (found && (await stat(found)).isFile()) return readNamed(found, 'a model with fewer weights');
  throw new BnError('file', `its weights are in '${location}', which is not beside it; put both files into one folder`);
}
