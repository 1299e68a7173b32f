// Trains a trial's run up to an epoch, by the program `train` in a process of its own: the contract of docs/sweeps.md.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { UsageError } from '@bn/command-line';
import { BnError, type BnErrorCode } from '@bn/core';
import { withoutJob } from '@bn/mpi';
import { isTaken } from '../run/lock-run.js';
import { readMetrics } from '../run/metrics-file.js';
import { runFolder } from '../run/run-folder.js';
import { keptBy, keptEpoch } from '../run-record.js';
import type { Figures } from './sweep-file.js';

const program = fileURLToPath(new URL('../index.js', import.meta.url));

/** Where sweeps and workers meet. */
export const trialQueue = { tasks: 'trials', queue: 'bn-train' } as const;

export interface Task {
  /** Folder of the run, absolute; its settings.json is there already. */
  readonly run: string;
  /** Epochs in all. */
  readonly until: number;
}

/** What a trial has come to. */
export type Reached = { readonly figures: Figures } | { readonly diverged: string };

export interface Means {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Of one process, where the settings do not say how many. */
  readonly threads: number;
  /** Stops the training, which can go on from there. */
  readonly signal: AbortSignal;
  /** Told of every epoch that is done. */
  readonly onEpoch: (epoch: number) => void;
}

/**
 * Starts the run or goes on with it; does nothing if it has come so far. Waits while another process trains it. The result does not
 * depend on how often it was stopped, where, or by what.
 *
 * @returns the figures of the epoch whose weights count, of those up to `until`; null if the signal came before
 * @throws what the training ended with
 */
export async function bringTo({ run, until }: Task, means: Means): Promise<Reached | null> {
  const folder = runFolder(run);
  const settings = settingsFile(run);
  if (!existsSync(settings)) {
    const cure = "give workers the sweep's folder under the same path, as by a network file system";
    throw new BnError('file', `${settings}: there is no such file; ${cure}`);
  }
  while (!means.signal.aborted) {
    const epochs = (await readMetrics(folder.metrics)).filter(({ epoch }) => epoch <= until);
    const config = JSON.parse(await readFile(settings, 'utf8'));
    const isEnd = until >= config.epochs;
    // The report is the last that a training writes: it may end before its last epoch.
    if (existsSync(folder.report) || (!isEnd && epochs.length === until)) {
      const { loss, metrics, test, validation } = (keptEpoch(keptBy(config), epochs) ?? epochs.at(-1))!;
      return { figures: { loss, metrics, test, ...(validation && { validation }) } };
    }
    if (await isTaken(run)) {
      await setTimeout(1000, undefined, { signal: means.signal }).catch(() => {});
      continue;
    }
    const begun = existsSync(folder.config);
    const args = [
      ...(begun ? ['--resume', run] : ['--config', settings, '--out', run]),
      ...['--json', '--threads', `${config.threads ?? means.threads}`],
    ];
    const failure = await trainUntil(isEnd ? Infinity : until, args, means);
    // Of two that begin together, one is refused: as busy, or because there is a run already.
    const isSecond = failure?.code === 'busy' || (failure?.code === 'usage' && !begun && existsSync(folder.config));
    if (!failure || isSecond) continue;
    if (failure.code === 'not-finite') return { diverged: failure.message };
    throw failure;
  }
  return null;
}

/** The settings of a trial, for `--config`. */
export function settingsFile(run: string): string {
  return join(run, 'settings.json');
}

/** @returns what the program failed with; null if it ended well, or was stopped */
function trainUntil(
  epochs: number,
  args: readonly string[],
  { cwd, env, signal, onEpoch }: Means,
): Promise<(Error & { code?: string }) | null> {
  // What the sweep has resolved must not be resolved once more; nor does a trial belong to what a launcher has started.
  const { BN_BACKEND: _, ...rest } = withoutJob(env);
  const child = spawn(process.execPath, [program, ...args], {
    ...{ cwd, env: { ...rest, INIT_CWD: cwd }, stdio: ['ignore', 'pipe', 'pipe'] },
  });
  let isStopped = false;
  const stop = () => {
    // A second one would end it at once.
    if (!isStopped) child.kill('SIGINT');
    isStopped = true;
  };
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  let failure: (Error & { code?: string }) | null = null;
  createInterface({ input: child.stdout! }).on('line', (line) => {
    const event = parse(line);
    if (event?.type === 'epoch') onEpoch(event.epoch);
    // The step after the epoch: its checkpoint is there now, also where a signal ends the process at once, as on Windows.
    if (event?.type === 'step' && event.epoch > epochs) stop();
    if (event?.type === 'error') failure = failureOf(event);
  });
  let written = '';
  child.stderr!.on('data', (data) => {
    written = `${written}${data}`.slice(-400);
  });
  return new Promise((resolve) => {
    child.on('error', resolve);
    child.on('close', (code, killedBy) => {
      signal.removeEventListener('abort', stop);
      const isFine = code === 0 || code === 130 || isStopped;
      if (failure || isFine) return resolve(failure);
      const said = written.trim().replace(/\s*\n\s*/g, ' ');
      const cure = killedBy === 'SIGKILL' ? '; its memory may have been used up' : '';
      resolve(
        new Error(`the training's process ended (${killedBy ?? `exit code ${code}`})${said && `: ${said}`}${cure}`),
      );
    });
  });
}

function failureOf({ code, message }: Event): Error {
  if (code === 'usage') return new UsageError(message);
  return code === 'internal' ? new Error(message) : new BnError(code as BnErrorCode, message);
}

interface Event {
  readonly type: string;
  readonly epoch: number;
  readonly code: string;
  readonly message: string;
}

/** A part of a line, as a killed process leaves it, is nothing. */
function parse(line: string): Event | null {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
