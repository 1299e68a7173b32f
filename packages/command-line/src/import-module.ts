// Imports a module of the user's, in TypeScript too, so that it shares this program's core.

import { pathToFileURL } from 'node:url';
import * as core from '@bn/core';

/**
 * The exports of a JavaScript or TypeScript file. In it and what it imports, `@bn/core` and `@bn/models` are this
 * program's, installed there or not: tensors of another copy would not fit in.
 */
export async function importModule(file: string): Promise<object> {
  // Read when they are needed: most programs never do.
  const [{ createJiti }, models] = await Promise.all([import('jiti'), import('@bn/models')]);
  const virtualModules = { '@bn/core': core, '@bn/models': models };
  let onIdle = () => {};
  const idle = new Promise<never>((_, reject) => {
    onIdle = () => reject(new Error('it waits (await) for something that never comes'));
  });
  process.prependOnceListener('beforeExit', onIdle);
  try {
    // No cache: it would leave files where the user keeps theirs.
    const loading = createJiti(pathToFileURL(file).href, { fsCache: false, virtualModules }).import<object>(file);
    return await Promise.race([loading, idle]);
  } catch (cause) {
    throw cause instanceof Error ? cause : new Error(`it throws ${cause}`, { cause });
  } finally {
    process.off('beforeExit', onIdle);
  }
}
