// Makes shared libraries known to the process by their full paths, before whatever needs them is loaded.

import { constants } from 'node:os';

// Stands for RTLD_NODELETE: Node closes a library that is not an addon at once.
const keep = 0x1000;

/**
 * Loads libraries, each before those that need it. The dynamic linker then finds them by their names wherever they lie,
 * without LD_LIBRARY_PATH, which it reads only when a process starts.
 */
export function preload(files: readonly string[]): void {
  for (const file of files) {
    try {
      process.dlopen({ exports: {} }, file, constants.dlopen.RTLD_NOW | keep);
    } catch {
      // Always: it is not an addon. Whether it was loaded shows when something needs it.
    }
  }
}
