// Files of this package, found from its sources as from its build.

import { readFileSync } from 'node:fs';

const root = new URL('../../../', import.meta.url);

/** @param path relative to the package, with slashes */
export function packageFile(path: string): URL {
  return new URL(path, root);
}

const { version } = JSON.parse(readFileSync(packageFile('package.json'), 'utf8')) as { version: string };
export const packageVersion: string = version;
