// What is trained, on what, by what, and in which versions, for the display and the report.

import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative } from 'node:path';
import { findBackend, resolvePackage } from '@bn/command-line';
import type { RunDescription } from '../run-record.js';
import type { Loaded } from './with-trainer.js';

export function describeRun({ config, data, backend, deviceReason }: Loaded, workingFolder: string): RunDescription {
  return {
    model: isAbsolute(config.model) ? basename(config.model) : config.model,
    data: data.description,
    backend: backend.name,
    device: backend.device.description,
    ...(backend.engine !== undefined && { engine: backend.engine }),
    ...(deviceReason !== undefined && { deviceReason }),
    versions: {
      node: process.versions.node,
      ...versionOf(import.meta.filename),
      ...versionOf(resolvePackage('@bn/core', import.meta.dirname)),
      ...versionOf(findBackend(config.backend, workingFolder)),
    },
  };
}

/** A path as it is shorter to read and to type: relative to the working folder if it lies within. */
export function shortPath(path: string, workingFolder: string): string {
  if (!isAbsolute(path)) return path;
  const within = relative(workingFolder, path);
  return within === '' || within.startsWith('..') ? path : within;
}

/** Name and version of the package that a file belongs to. */
function versionOf(file: string | undefined): Record<string, string> {
  for (let at = file, above = file && dirname(file); at !== above; at = above, above = at && dirname(at)) {
    const manifest = join(above!, 'package.json');
    if (!existsSync(manifest)) continue;
    const { name, version } = JSON.parse(readFileSync(manifest, 'utf8'));
    if (name !== undefined) return { [name]: version ?? 'none' };
  }
  return {};
}
