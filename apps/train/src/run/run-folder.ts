// The folder that a run is recorded in: its files, how it is created, and how it is found again.

import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type RunData, readIfThere, UsageError, writeAtomically, writeError } from '@bn/command-line';
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

/** Creates the folder, if `out` is null a new one in `runs/` named by the time, and writes its config.json. */
export async function createRunFolder(
  out: string | null,
  workingFolder: string,
  config: RunConfig,
): Promise<RunFolder> {
  try {
    if (out !== null) await mkdir(out, { recursive: true });
    const folder = runFolder(out ?? (await mkdirByTime(join(workingFolder, 'runs'))));
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
async function mkdirByTime(parent: string): Promise<string> {
  await mkdir(parent, { recursive: true });
  const name = join(parent, new Date().toISOString().slice(0, 19).replaceAll(':', '-'));
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
}

export function writeCheckpoint(folder: RunFolder, { checkpoint, signature, lastEpoch }: SavedState): Promise<void> {
  const metadata = {
    lastEpoch: JSON.stringify(lastEpoch),
    ...(signature && { signature: JSON.stringify(signature) }),
  };
  return writeAtomically(folder.checkpoint, encodeCheckpoint(checkpoint, metadata));
}

/**
 * The last state that was saved; null if the run stopped before the first.
 *
 * @throws BnError `checkpoint` if the file is damaged
 */
export async function readCheckpoint(folder: RunFolder): Promise<SavedState | null> {
  const bytes = await readIfThere(folder.checkpoint);
  if (!bytes) return null;
  try {
    const { metadata, ...checkpoint } = decodeCheckpoint(new Uint8Array(bytes));
    const lastEpoch: EpochRecord | null = recordOf(JSON.parse(metadata.lastEpoch ?? 'null'));
    if (checkpoint.position.epoch !== (lastEpoch?.epoch ?? 0)) {
      throw new BnError('checkpoint', 'it lacks the metrics of its last epoch; use a checkpoint of this program');
    }
    const signature = metadata.signature === undefined ? null : decodeSignature(metadata.signature);
    return { checkpoint, signature, lastEpoch };
  } catch (cause) {
    throw new BnError('checkpoint', `${folder.checkpoint}: ${(cause as Error).message}`, { cause });
  }
}
