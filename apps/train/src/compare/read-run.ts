// A recorded run as its folder has it, finished or not, by settings and epochs.

import { readFile } from 'node:fs/promises';
import { basename, isAbsolute, resolve } from 'node:path';
import { requireRun } from '../config/resume.js';
import { readMetrics } from '../run/metrics-file.js';
import { runFolder } from '../run/run-folder.js';
import type { EpochRecord } from '../run-record.js';

export interface RecordedRun {
  /** For people: the folder's name. */
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** Those that are done. */
  readonly epochs: readonly EpochRecord[];
}

/** @throws UsageError for a folder without a run */
export async function readRun(path: string, cwd: string): Promise<RecordedRun> {
  const { path: folder, config, metrics } = runFolder(resolve(cwd, path));
  requireRun(path, folder);
  return {
    name: basename(folder),
    config: JSON.parse(await readFile(config, 'utf8')),
    epochs: await readMetrics(metrics),
  };
}

/** A setting for people; of a path the last part. Unset ones are a dash. */
export function settingText(value: unknown): string {
  if (value === null || value === undefined) return '–';
  if (typeof value !== 'string') return JSON.stringify(value);
  return isAbsolute(value) ? basename(value) : value;
}
