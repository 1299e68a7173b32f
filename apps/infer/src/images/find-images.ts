// From what a user names, files, folders and patterns, to the paths of images.

import { stat } from 'node:fs/promises';
import { extname, isAbsolute, join, resolve, sep } from 'node:path';
import { UsageError } from '@bn/command-line';
import { imageEndings } from '@bn/datasets';
import { glob, isDynamicPattern } from 'tinyglobby';

/** Numbers by their value: photo 2 before photo 10. */
const { compare } = new Intl.Collator('en', { numeric: true });

/**
 * A file is itself, also if it is not there (reading it tells), a folder the images in it and in folders within, sorted;
 * a pattern the files that match, sorted, whatever they are. What occurs twice is taken once.
 *
 * @returns paths as the user wrote them: relative to the working folder, or absolute; and which files of folders are no
 * images, in words, else null
 * @throws UsageError for a folder without images, and for a pattern that nothing matches
 */
export async function findImages(
  named: readonly string[],
  workingFolder: string,
): Promise<{ readonly images: string[]; readonly leftOut: string | null }> {
  const found = new Map<string, string>();
  const others: string[] = [];
  for (const name of named) {
    for (const path of await expand(name, workingFolder, others)) {
      const absolute = resolve(workingFolder, path);
      if (!found.has(absolute)) found.set(absolute, path);
    }
  }
  return { images: [...found.values()], leftOut: describeOthers(others) };
}

/** `2 files are left out, since they are not png, jpg, …: mix/1.bmp, mix/photo.heic`. */
function describeOthers(others: readonly string[]): string | null {
  if (others.length === 0) return null;
  const listed = others.slice(0, 3).join(', ') + (others.length > 3 ? ', …' : '');
  const start =
    others.length === 1 ? '1 file is left out, since it is' : `${others.length} files are left out, since they are`;
  return `${start} not ${imageEndings.join(', ')}: ${listed}`;
}

/** @param others is given the files in folders that are no images */
async function expand(name: string, workingFolder: string, others: string[]): Promise<string[]> {
  const there = await stat(resolve(workingFolder, name)).catch(() => null);
  if (there?.isDirectory()) {
    const isImage = (path: string) => imageEndings.includes(extname(path).slice(1).toLowerCase());
    const names = (await glob('**/*', { cwd: resolve(workingFolder, name) })).sort(compare);
    const images = names.filter(isImage);
    if (images.length === 0) {
      throw new UsageError(`${name}: there are no images in this folder (${imageEndings.join(', ')}); give another`);
    }
    others.push(...names.filter((path) => !isImage(path)).map((path) => join(name, path)));
    return images.map((image) => join(name, image));
  }
  // In a pattern, a backslash takes a sign literally: on Windows it stands between folders.
  const pattern = sep === '\\' ? name.replaceAll('\\', '/') : name;
  if (there || !isDynamicPattern(pattern)) return [name];
  const paths = await glob(pattern, { cwd: workingFolder, absolute: isAbsolute(name), expandDirectories: false });
  if (paths.length === 0) throw new UsageError(`${name}: no file matches this pattern; correct it`);
  return paths.sort(compare);
}
