// The folder of a sweep: its file, a run for each trial, and a journal of what came of them, from which it goes on.

import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Io, makeFolder, readIfThere, UsageError, writeAtomically, writeError } from '@bn/command-line';
import { BnError } from '@bn/core';
import { appendLine } from '../run/metrics-file.js';
import { mkdirByTime } from '../run/run-folder.js';
import { settingsFile } from './bring-to.js';
import type { Sweep } from './sweep-file.js';

/** A line of sweep.jsonl: what came of a trial up to an epoch, and when. */
export type Entry = { readonly trial: string; readonly epochs: number; readonly at: string } & (
  | { readonly type: 'result'; readonly figure: number | null }
  | { readonly type: 'diverged' | 'failed'; readonly message: string }
);

export interface SweepFolder {
  readonly path: string;
  readonly file: string;
  readonly journal: string;
  readonly report: string;
  /** A trial's run. */
  run(trial: string): string;
}

function sweepFolder(path: string): SweepFolder {
  return {
    path,
    file: join(path, 'sweep.json'),
    journal: join(path, 'sweep.jsonl'),
    report: join(path, 'report.html'),
    run: (trial) => join(path, 'trials', trial),
  };
}

/** @throws UsageError for a folder without a sweep */
export function existingFolder(named: string, { cwd }: Pick<Io, 'cwd'>): SweepFolder {
  const folder = sweepFolder(resolve(cwd, named));
  if (existsSync(folder.file)) return folder;
  throw new UsageError(`--resume ${named}: the folder holds no sweep; give the folder that has its sweep.json`);
}

/** A new folder, in `runs/` by the time if none is named, with a copy of the file. */
export async function createFolder(
  out: string | undefined,
  file: string,
  { cwd }: Pick<Io, 'cwd'>,
): Promise<SweepFolder> {
  try {
    const path = out === undefined ? await mkdirByTime(join(cwd, 'runs'), 'sweep-') : resolve(cwd, out);
    const folder = sweepFolder(path);
    if (existsSync(folder.file)) {
      throw new UsageError(
        `${out} already holds a sweep; give another --out, or continue it with: sweep --resume ${out}`,
      );
    }
    await makeFolder(path);
    await writeAtomically(folder.file, await readFile(file));
    return folder;
  } catch (cause) {
    throw cause instanceof UsageError || cause instanceof BnError ? cause : writeError(out ?? 'runs', cause);
  }
}

/**
 * Writes each trial's settings.
 *
 * @throws UsageError if they differ from those that are there
 */
export async function writeTrials(folder: SweepFolder, { trials }: Sweep): Promise<void> {
  for (const { id, config } of trials) {
    const run = folder.run(id);
    const text = `${JSON.stringify(config, null, 2)}\n`;
    const before = await readIfThere(settingsFile(run));
    if (before?.toString() === text) continue;
    if (before) {
      throw new UsageError(
        `${settingsFile(run)} is not what ${folder.file} says now: another program, folder or BN_BACKEND gives other settings; ` +
          'bring the old ones back, or start a new sweep (of "trials", more can be added)',
      );
    }
    await makeFolder(run);
    await writeAtomically(settingsFile(run), text);
  }
}

export interface Journal {
  /** Of this sweep alone, also of another one that was in the folder before. */
  readonly id: string;
  /** In order. */
  readonly entries: readonly Entry[];
}

/** What is known; begins the journal if there is none. A part of a last line, as a kill leaves it, goes. */
export async function openJournal({ journal }: SweepFolder): Promise<Journal> {
  const content = (await readIfThere(journal))?.toString() ?? '';
  const known = content.split('\n').flatMap((line) => parse(line) ?? []);
  const start = known.find((entry) => entry.type === 'start') ?? {
    type: 'start' as const,
    id: randomUUID().slice(0, 8),
  };
  const entries = known.filter((entry) => entry.type !== 'start');
  const restored = [start, ...entries].map(lineOf).join('');
  if (restored !== content) await writeAtomically(journal, restored);
  return { id: start.id, entries };
}

export async function appendEntry({ journal }: SweepFolder, entry: Entry): Promise<void> {
  await appendLine(journal, lineOf(entry));
}

interface Start {
  readonly type: 'start';
  readonly id: string;
}

function lineOf(entry: Entry | Start): string {
  return `${JSON.stringify(entry)}\n`;
}

function parse(line: string): Entry | Start | null {
  try {
    const entry = JSON.parse(line);
    return typeof entry?.type === 'string' ? entry : null;
  } catch {
    return null;
  }
}
