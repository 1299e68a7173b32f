// Where wheels come from: the Python package index, read by Node itself where that can be, else by pip.

import type { SetupOptions } from './setup-options.js';
import type { Wheel } from './wheel.js';

export interface WheelSource {
  /** For people: which registry, and by what it is read. */
  readonly description: string;
  /** Downloads the wheel into the folder, under its file's name, resuming what is there of it if it can. */
  fetch(wheel: Wheel, folder: string, options: Pick<SetupOptions, 'progress' | 'signal'>): Promise<void>;
}
