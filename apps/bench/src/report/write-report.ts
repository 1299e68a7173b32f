// Results as files: text, and the data beside it.

import { parse, resolve } from 'node:path';
import { type Io, writeAtomically } from '@bn/command-line';

/** Writes `path` and, with the extension .json, the data that it shows. */
export async function writeReport(path: string, { stderr }: Io, text: string, data: unknown): Promise<void> {
  const { dir, name } = parse(path);
  await writeAtomically(path, text);
  await writeAtomically(resolve(dir, `${name}.json`), `${JSON.stringify(data, null, 1)}\n`);
  stderr.write(`written to ${path} and ${name}.json\n`);
}
