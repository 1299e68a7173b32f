// A wheel: a package of the Python package index, which is a zip. Native libraries are published as such.

import type { SetupOptions } from './setup-options.js';

export interface WheelFile {
  /** The file's name, by which the index has it; it ends with the tags of Python, ABI and platform. */
  readonly file: string;
  /** Size of the file, in bytes. */
  readonly bytes: number;
  /** Size on disk of what is taken from it, in bytes. */
  readonly unpackedBytes: number;
  /** Of the file, in hexadecimal. */
  readonly sha256: string;
  readonly licence: string;
  /** What is taken from it, and the path that it gets: a pattern, and its replacement. Licences are taken always. */
  readonly members: readonly (readonly [pattern: RegExp, path: string])[];
}

export interface Wheel extends WheelFile {
  /** Its project on the index, e.g. `onnxruntime-gpu`. */
  readonly project: string;
  readonly version: string;
}

/** The wheel with what its file's name begins with. */
export function wheelOf(file: WheelFile): Wheel {
  const [name = '', version = ''] = file.file.split('-');
  return { ...file, project: name.replaceAll('_', '-'), version };
}

/** Where wheels come from: the index, read by Node itself where that can be, else by pip. */
export interface WheelSource {
  /** For people: which registry, and by what it is read. */
  readonly description: string;
  /** Downloads the wheel into the folder, under its file's name, resuming what is there of it if it can. */
  fetch(wheel: Wheel, folder: string, options: Pick<SetupOptions, 'progress' | 'signal'>): Promise<void>;
}

/** `1.2 GB`, `247 MB`, `3 kB`; in decimal units, as the index shows them. */
export function sizeText(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  if (bytes >= 1e6) return `${Math.round(bytes / 1e6)} MB`;
  return `${Math.ceil(bytes / 1e3)} kB`;
}

export function totalOf(wheels: readonly Wheel[], size: 'bytes' | 'unpackedBytes'): number {
  return wheels.reduce((sum, wheel) => sum + wheel[size], 0);
}
