// From what a user names, files, folders and patterns, to the paths of images.

import { stat } from 'node:fs/promises';
import { isAbsolute, join, resolve, sep } from 'node:path';
import { UsageError } from '@bn/command-line';
import { imageEndings } from '@bn/datasets';
import { glob, isDynamicPattern } from 'tinyglobby';

/** Numbers by their value: photo 2 before photo 10. */
const { compare } = new Intl.Collator('en', { numeric: true });

/**
 * A file is itself, also if it is not there (reading it tells), a folder the images in it and in folders within, sorted;
 * a pattern the files that match, sorted, whatever they are. What occurs twice is taken once.
 *
 * @returns paths as the user wrote them: relative to the working folder, or absolute
 * @throws UsageError for a folder without images, and for a pattern that nothing matches
 */
export async function findImages(named: readonly string[], workingFolder: string): Promise<string[]> {
  const found = new Map<string, string>();
  for (const name of named) {
    for (const path of await expand(name, workingFolder)) {
      const absolute = resolve(workingFolder, path);
      if (!found.has(absolute)) found.set(absolute, path);
    }
  }
  return [...found.values()];
}

async function expand(name: string, workingFolder: string): Promise<string[]> {
  const there = await stat(resolve(workingFolder, name)).catch(() => null);
  if (there?.isDirectory()) {
    const pattern = `**/*.{${imageEndings.join(',')}}`;
    const names = await glob(pattern, { cwd: resolve(workingFolder, name), caseSensitiveMatch: false });
    if (names.length === 0) {
      throw new UsageError(`${name}: there are no images in this folder (${imageEndings.join(', ')}); give another`);
    }
    return names.sort(compare).map((image) => join(name, image));
  }
  // In a pattern, a backslash takes a sign literally: on Windows it stands between folders.
  const pattern = sep === '\\' ? name.replaceAll('\\', '/') : name;
  if (there || !isDynamicPattern(pattern)) return [name];
  const paths = await glob(pattern, { cwd: workingFolder, absolute: isAbsolute(name), expandDirectories: false });
  if (paths.length === 0) throw new UsageError(`${name}: no file matches this pattern; correct it`);
  return paths.sort(compare);
}
