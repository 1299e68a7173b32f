// `contention`: how long one image and one training step take beside processes that keep processors busy.

import {
  checkedList,
  checkedOption,
  fileToWrite,
  type Io,
  parseCommand,
  positive,
  stopCode,
  text,
  wholeNumber,
} from '@bn/command-line';
import { Command } from 'commander';
import { type Contended, measureContention } from '../measure/contention.js';
import { describeMachine } from '../measure/machine.js';
import { networks } from '../networks.js';
import { contentionReport } from '../report/contention-report.js';
import { writeReport } from '../report/write-report.js';
import { addParticipantOptions, type ParticipantFlags, participantsOf } from '../settings.js';

export const summary = 'measure single images and training steps beside busy processes';

interface ContentionFlags extends ParticipantFlags {
  readonly busy: number[];
  readonly threads: number[];
  readonly batchSize: number;
  readonly rounds: number;
  readonly seconds: number;
  readonly out?: string;
}

export async function run(args: readonly string[], io: Io): Promise<number> {
  const command = addParticipantOptions(new Command('bench contention'))
    .description(
      'Trains and predicts with LeNet while other processes compute without end, in turns: percentiles of times.',
    )
    .addOption(checkedList('--busy', wholeNumber(0, 1024), 'numbers of busy processes').default([0, 1, 2]))
    .addOption(checkedList('--threads', wholeNumber(1, 1024), 'numbers of threads of each participant').default([1, 2]))
    .addOption(checkedOption('--batch-size', wholeNumber(1), 'images per training step').default(256))
    .addOption(checkedOption('--rounds', wholeNumber(1), 'turns of each').default(3))
    .addOption(
      checkedOption('--seconds', positive, 'how long steps, and predictions, are repeated in a turn').default(2),
    )
    .addOption(checkedOption('--out', text('<file>'), 'file to write the results to, with the data beside it as .json'))
    .addHelpText('after', notes);
  const flags = parseCommand(command, args, io) as ContentionFlags | null;
  if (!flags) return 0;

  const out = flags.out === undefined ? null : fileToWrite('--out', flags.out, io.cwd);
  const participants = await participantsOf(flags, ['wasm', 'onnxruntime-cuda', 'torch']);
  const results: Contended[] = [];
  for (const threads of flags.threads) {
    const { batchSize, busy, rounds, seconds } = flags;
    const measured = await measureContention(participants, {
      ...{ network: networks['lenet-bn']!, batchSize, threads, busy, rounds, seconds },
      signal: io.signal,
      say: (text) => io.stderr.write(`${text}\n`),
    });
    if (!measured) return stopCode(io.signal);
    results.push(...measured);
  }
  const { batchSize } = flags;
  const report = { machine: describeMachine(), date: new Date().toISOString().slice(0, 10), batchSize, results };
  const tables = contentionReport(report);
  io.stdout.write(tables);
  if (out !== null) await writeReport(out, io, tables, report);
  return 0;
}

const notes = `
Example:
  pnpm bench contention --participants wasm,torch --busy 0,2 --threads 2`;
