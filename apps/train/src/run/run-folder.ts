// The folder that a run is recorded in: its files, how it is created, and how it is found again.

import { existsSync } from 'node:fs';
import { link, mkdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { makeFolder, type RunData, readIfThere, UsageError, writeAtomically, writeError } from '@bn/command-line';
import {
  BnError,
  type Checkpoint,
  decodeCheckpoint,
  decodeSignature,
  encodeCheckpoint,
  type Signature,
} from '@bn/core';
import type { RunConfig } from '../config/settings.js';
import type { EpochRecord } from '../run-record.js';
import type { Fingerprint } from './fingerprint.js';
import { recordOf } from './metrics-file.js';

/** Absolute paths of a run's files. */
export interface RunFolder {
  readonly path: string;
  /** The complete configuration; the first file to be there, so that its presence makes a folder a run. */
  readonly config: string;
  /** One line of JSON per epoch, see `EpochRecord`. */
  readonly metrics: string;
  /** Weights, running statistics, optimizer slots, and the position in the training. */
  readonly checkpoint: string;
  /** The one before, for when the newest is damaged. */
  readonly previous: string;
  /** The one after the best epoch, in a run that keeps it. */
  readonly best: string;
  /** Files of the data that were left out, with the reason: a line each. */
  readonly skipped: string;
  readonly report: string;
  readonly curves: string;
}

export function runFolder(path: string): RunFolder {
  return {
    path,
    config: join(path, 'config.json'),
    metrics: join(path, 'metrics.jsonl'),
    checkpoint: join(path, 'checkpoint.safetensors'),
    previous: join(path, 'checkpoint.previous.safetensors'),
    best: join(path, 'best.safetensors'),
    skipped: join(path, 'skipped.txt'),
    report: join(path, 'report.html'),
    curves: join(path, 'curves.svg'),
  };
}

/** Throws UsageError if the folder holds a run, of which nothing may be overwritten. */
export function requireNoRun(path: string): void {
  const { path: _, ...files } = runFolder(path);
  const found = Object.values(files).find(existsSync);
  if (!found) return;
  const advice = `give another --out, or continue it with --resume ${path}`;
  throw new UsageError(`${path} already holds a run (${found}); ${advice}`);
}

/**
 * Creates the folder, if `out` is null a new one in `runs/` named by the time, and writes its config.json.
 *
 * @param lock takes the folder before anything is written there
 */
export async function createRunFolder(
  out: string | null,
  workingFolder: string,
  config: RunConfig,
  lock: (path: string) => Promise<void>,
): Promise<RunFolder> {
  try {
    if (out !== null) await makeFolder(out);
    const folder = runFolder(out ?? (await mkdirByTime(join(workingFolder, 'runs'))));
    await lock(folder.path);
    requireNoRun(folder.path);
    await writeConfig(folder, config);
    return folder;
  } catch (cause) {
    throw cause instanceof UsageError || cause instanceof BnError ? cause : writeError(out ?? 'runs', cause);
  }
}

export function writeConfig(folder: RunFolder, config: RunConfig): Promise<void> {
  return writeAtomically(folder.config, `${JSON.stringify(config, null, 2)}\n`);
}

export function writeSkipped(folder: RunFolder, skipped: RunData['skipped']): Promise<void> {
  return writeAtomically(folder.skipped, skipped.map(({ file, reason }) => `${file}\t${reason}\n`).join(''));
}

/** `runs/2026-03-01T14-05-09`, with `-2` and so on behind it if that is taken. */
export async function mkdirByTime(parent: string, prefix = ''): Promise<string> {
  await makeFolder(parent);
  const name = join(parent, prefix + new Date().toISOString().slice(0, 19).replaceAll(':', '-'));
  for (let i = 1; ; i++) {
    const path = i === 1 ? name : `${name}-${i}`;
    try {
      await mkdir(path);
      return path;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
    }
  }
}

export interface SavedState {
  readonly checkpoint: Checkpoint;
  /** What the model takes and gives; null in checkpoints up to version 0.1.0. */
  readonly signature: Signature | null;
  /** Of the last whole epoch, null within the first. It is here too because metrics.jsonl is written after this. */
  readonly lastEpoch: EpochRecord | null;
  /** What the run is trained on; null in checkpoints up to version 0.1.0. */
  readonly fingerprint: Fingerprint | null;
}

/** A state as it was found. */
export interface FoundState extends SavedState {
  /** The file that it is from. */
  readonly file: string;
  /** Why it is not the newest, for people. */
  readonly note: string | null;
}

/**
 * Replaces the checkpoint, which stays as the previous one: at any moment one of them is whole.
 *
 * @param isKept also keep it as that of the best epoch: first, so that no epoch is behind that is not trained once more
 */
export async function writeCheckpoint(
  { checkpoint: file, previous, best }: RunFolder,
  { checkpoint, signature, lastEpoch, fingerprint }: SavedState,
  isKept: boolean,
): Promise<void> {
  const metadata = {
    lastEpoch: JSON.stringify(lastEpoch),
    ...(signature && { signature: JSON.stringify(signature) }),
    ...(fingerprint && { fingerprint: JSON.stringify(fingerprint) }),
  };
  const bytes = encodeCheckpoint(checkpoint, metadata);
  if (isKept) await writeAtomically(best, bytes);
  await writeAtomically(file, bytes, async () => {
    if (!existsSync(file)) return;
    await rm(previous, { force: true });
    // A second name, where the file system has such, leaves no moment without a checkpoint.
    await link(file, previous).catch(() => rename(file, previous));
  });
}

/**
 * The last state that was saved, or the one before if that is damaged; null if the run stopped before the first.
 *
 * @throws BnError `checkpoint` if there is none that is whole
 */
export async function readCheckpoint({ checkpoint, previous, metrics }: RunFolder): Promise<FoundState | null> {
  const newest = await readState(checkpoint);
  if (newest && !(newest instanceof BnError)) return { ...newest, file: checkpoint, note: null };
  const older = await readState(previous);
  if (older && !(older instanceof BnError)) {
    const { epoch, step } = older.checkpoint.position;
    const where = `epoch ${epoch}${step > 0 ? ` and ${step} steps` : ''}`;
    const why = newest?.message ?? `${checkpoint} is missing`;
    return { ...older, file: previous, note: `${why}; ${basename(previous)} takes its place, from after ${where}` };
  }
  if (newest) throw newest;
  if (older) throw older;
  if (!(await readIfThere(metrics))?.length) return null;
  throw new BnError(
    'checkpoint',
    `${checkpoint} is missing, but the run has metrics; put it back, or start again with --config config.json and another --out`,
  );
}

/**
 * The state whose weights count: that of the best epoch in a run that keeps it, else the last one.
 *
 * @throws BnError `checkpoint` as `readCheckpoint`
 */
export async function readKept(folder: RunFolder, { keep }: Pick<RunConfig, 'keep'>): Promise<FoundState | null> {
  const best = keep === 'best' ? await readState(folder.best) : null;
  if (best && !(best instanceof BnError)) return { ...best, file: folder.best, note: null };
  const last = await readCheckpoint(folder);
  if (keep === 'last' || !last?.checkpoint.position.scores?.length) return last;
  const why = best?.message ?? `${folder.best} is missing`;
  const note = [`${why}; the last epoch takes the place of the best one`, ...(last.note ? [last.note] : [])].join('; ');
  return { ...last, note };
}

/** Puts a damaged checkpoint aside for the previous one, so that what is written next cannot take the last whole one's place. */
export async function usePrevious({ path, checkpoint, previous }: RunFolder): Promise<void> {
  if (existsSync(checkpoint)) await rename(checkpoint, join(path, 'checkpoint.damaged.safetensors'));
  await rename(previous, checkpoint);
}

/** The state in a file, null without one, and what is wrong with one that is damaged. */
async function readState(file: string): Promise<SavedState | BnError | null> {
  const bytes = await readIfThere(file);
  if (!bytes) return null;
  try {
    const { metadata, ...checkpoint } = decodeCheckpoint(new Uint8Array(bytes));
    const lastEpoch: EpochRecord | null = recordOf(JSON.parse(metadata.lastEpoch ?? 'null'));
    if (checkpoint.position.epoch !== (lastEpoch?.epoch ?? 0)) {
      throw new BnError('checkpoint', 'it lacks the metrics of its last epoch; use a checkpoint of this program');
    }
    const signature = metadata.signature === undefined ? null : decodeSignature(metadata.signature);
    return { checkpoint, signature, lastEpoch, fingerprint: JSON.parse(metadata.fingerprint ?? 'null') };
  } catch (cause) {
    return new BnError('checkpoint', `${file}: ${(cause as Error).message}`, { cause });
  }
}
