// `bench`, the default command: our backends and their peers, training and predicting side by side.

import {
  checkedList,
  checkedOption,
  fileToWrite,
  type Io,
  oneOf,
  parseCommand,
  positive,
  printable,
  stopCode,
  text,
  wholeNumber,
} from '@bn/command-line';
import { Command } from 'commander';
import { describeMachine } from '../measure/machine.js';
import { type Measured, measure } from '../measure/measure.js';
import { networks } from '../networks.js';
import { program } from '../program.js';
import { benchReport } from '../report/bench-report.js';
import { speedChart } from '../report/speed-chart.js';
import { writeReport } from '../report/write-report.js';
import { addSharedOptions, participantsOf, type SharedFlags } from '../settings.js';

export const summary = 'measure backends and peers side by side (the default)';

interface BenchFlags extends SharedFlags {
  readonly networks: string[];
  readonly batchSize: number;
  readonly examples?: number;
  readonly out?: string;
  readonly predictionSeconds: number;
}

/** What a network's measurement gave. */
export interface BenchResult {
  readonly network: string;
  readonly batchSize: number;
  readonly threads: number;
  readonly examples: number;
  readonly measured: readonly Measured[];
}

export async function run(args: readonly string[], io: Io): Promise<number> {
  const command = addSharedOptions(new Command('bench'), 5)
    .description(
      'Trains networks on Fashion-MNIST with our backends and with what Python has, in turns, and predicts with them: medians and ranges.',
    )
    .addOption(checkedList('--networks', oneOf(...Object.keys(networks)), 'which').default(['lenet-bn']))
    .addOption(checkedOption('--batch-size', wholeNumber(1), 'images per step').default(256))
    .addOption(
      checkedOption('--examples', wholeNumber(1), "images per epoch [default: the network's, 60000 for lenet-bn]"),
    )
    .addOption(
      checkedOption('--prediction-seconds', positive, 'how long predictions are measured, at batch 1 and 256').default(
        2,
      ),
    )
    .addOption(
      checkedOption(
        '--out',
        text('<file>'),
        'file to write the results to, a chart of training speeds if it ends in .svg, with the data beside it as .json',
      ),
    )
    .addHelpText('after', `${await program.otherCommands(args)}\n${notes}`);
  const flags = parseCommand(command, args, io) as BenchFlags | null;
  if (!flags) return 0;

  const out = flags.out === undefined ? null : fileToWrite('--out', flags.out, io.cwd);
  const chosen = flags.networks.map((name) => [name, networks[name]!] as const);
  const participants = await participantsOf(flags);
  const results: BenchResult[] = [];
  for (const [name, network] of chosen) {
    io.stderr.write(`${name}: ${network.description}\n`);
    const examples = flags.examples ?? network.examples;
    const { batchSize, threads, rounds, predictionSeconds } = flags;
    const measuring = measure(participants, {
      ...{ network: { ...network, examples }, batchSize, threads, rounds, predictionSeconds },
      signal: io.signal,
      say: (text) => io.stderr.write(`  ${text}\n`),
    });
    // What other networks gave is not lost.
    const measured = await measuring.catch((error: Error) => {
      if (chosen.length === 1) throw error;
      io.stderr.write(`error: ${name}: ${printable(error.message)}\n`);
      return null;
    });
    if (io.signal.aborted) return stopCode(io.signal);
    if (measured) results.push({ network: name, batchSize, threads, examples, measured });
  }
  const report = { machine: describeMachine(), date: new Date().toISOString().slice(0, 10), results };
  const table = benchReport(report);
  io.stdout.write(table);
  if (out !== null) await writeReport(out, io, out.endsWith('.svg') ? await speedChart(report) : table, report);
  return results.length === chosen.length ? 0 : 1;
}

const notes = `Examples:
  pnpm bench --rounds 1
  pnpm bench --networks vgg,residual --participants wasm,torch-compiled --out report.md`;
