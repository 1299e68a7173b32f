// Imports a module of the user's, in TypeScript too, so that it shares this program's core.

import { pathToFileURL } from 'node:url';
import * as core from '@bn/core';
import * as models from '@bn/models';
import { createJiti } from 'jiti';

/**
 * The exports of a JavaScript or TypeScript file. In it and what it imports, `@bn/core` and `@bn/models` are this
 * program's, installed there or not: tensors of another copy would not fit in.
 */
export function importModule(file: string): Promise<object> {
  const virtualModules = { '@bn/core': core, '@bn/models': models };
  // No cache: it would leave files where the user keeps theirs.
  return createJiti(pathToFileURL(file).href, { fsCache: false, virtualModules }).import(file);
}
