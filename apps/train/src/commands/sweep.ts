// `sweep`: many trainings with different settings, here or by workers elsewhere.

import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import {
  CheckedCommand,
  type Io,
  openRedis,
  parseCommand,
  type QueueFlags,
  queueFlags,
  redisUrl,
  text,
  UsageError,
  wholeNumber,
} from '@bn/command-line';
import { knobs } from '../config/knobs.js';
import { invocation } from '../display/invocation.js';
import { trialQueue } from '../sweep/bring-to.js';
import { runSweep } from '../sweep/run-sweep.js';
import { readSweep } from '../sweep/sweep-file.js';
import { createFolder, existingFolder } from '../sweep/sweep-folder.js';

export const summary = 'trains with many settings, and tells which are best';

interface Flags extends QueueFlags {
  readonly out?: string;
  readonly resume?: string;
  readonly workers?: number;
  readonly dashboard?: number;
  readonly json?: true;
}

export async function run(args: readonly string[], io: Io): Promise<number> {
  const command = new CheckedCommand('train sweep')
    .description(
      'Trains one network with each of the settings that a file names or draws at random, stops those early that are not among the best (ASHA), ' +
        'and compares the best. Each trial is an ordinary run; a sweep that was stopped goes on.',
    )
    .argument('[file]', 'JSON file of the sweep')
    .checked('--resume', text('<folder>'), 'continue the sweep in this folder, and try again what failed')
    .checked(
      '--out',
      text('<folder>'),
      'folder to record the sweep in [default: a new one in runs/, named by the time]',
    )
    .checked(
      '--workers',
      wholeNumber(1, 1024),
      'trials at a time on this machine [default: as many as processors, or as threads fit]',
    );
  queueFlags(command, trialQueue);
  command
    .checked('--dashboard', knobs.dashboard, 'show the trials in a browser; the port, or 0 for 8090 or a free one')
    .option('--json', 'print one line of JSON per event, for programs [default: text for people]')
    .addHelpText('after', notes);
  const flags = parseCommand(command, args, io) as Flags | null;
  if (!flags) return 0;
  const [file] = command.args;
  if ((file === undefined) === (flags.resume === undefined)) {
    throw new UsageError('give the file of a sweep, or --resume with the folder of one');
  }
  if (flags.resume !== undefined && flags.out !== undefined)
    throw new UsageError('--out cannot change when a sweep is resumed; leave it out');
  const url = redisUrl(flags, io);
  if (url !== null && flags.workers !== undefined) {
    throw new UsageError('--workers has no effect here: with --redis, workers elsewhere train; leave it out');
  }
  const begun = flags.resume === undefined ? null : existingFolder(flags.resume, io);
  const sweep = await readSweep(begun?.file ?? resolve(io.cwd, file!), io);
  const threads = sweep.trials[0]!.config.threads ?? 1;
  const processors = availableParallelism();
  const workers = Math.min(sweep.trials.length, flags.workers ?? Math.max(1, Math.floor(processors / threads)));
  const connection = url === null ? null : await openRedis(url, io);
  try {
    const folder = begun ?? (await createFolder(flags.out, resolve(io.cwd, file!), io));
    return await runSweep(
      {
        ...{ folder, sweep, workers, json: flags.json ?? false, dashboard: flags.dashboard ?? null },
        threads: Math.max(1, Math.floor(processors / workers)),
        redis: connection && { connection, queue: flags.queue },
      },
      io,
    );
  } finally {
    await connection?.close();
  }
}

const notes = `
Paths are relative to the folder you are in. docs/sweeps.md describes the file. Examples:
  ${invocation} sweep sweep.json
  ${invocation} sweep sweep.json --redis redis://localhost:6379
  ${invocation} sweep --resume runs/sweep-2026-03-01T14-05-09`;
