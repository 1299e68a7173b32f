// Tells when a file has other content, written in place or renamed over.

import { type Stats, unwatchFile, watchFile } from 'node:fs';

/** Between looks, in milliseconds. Looking works on network drives and through links too, where notifications do not. */
const interval = 1000;

/**
 * @param files by name; the file of weights that PyTorch writes beside one is looked at too
 * @returns a function that ends it
 */
export function watchFiles(files: ReadonlyMap<string, string>, changed: (name: string) => void): () => void {
  const all = [...files].flatMap(([name, path]) => [[name, path] as const, [name, `${path}.data`] as const]);
  const watched = all.map(([name, path]) => {
    const listener = (now: Stats, before: Stats) => {
      const isSame = now.mtimeMs === before.mtimeMs && now.size === before.size && now.ino === before.ino;
      // While a file is replaced there may be none.
      if (!isSame && now.mtimeMs > 0) changed(name);
    };
    watchFile(path, { interval }, listener);
    return () => unwatchFile(path, listener);
  });
  return () => {
    for (const unwatch of watched) unwatch();
  };
}
