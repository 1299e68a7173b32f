// The flags that both commands have, and what they mean.

import { availableParallelism } from 'node:os';
import { UsageError } from '@bn/command-line';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { findParticipants, type Participant } from './participants.js';

export interface SharedFlags {
  readonly participants?: string[];
  readonly node?: string[];
  readonly python: string;
  readonly rounds: number;
  readonly threads: number;
  readonly out?: string;
}

export function addSharedOptions(command: Command, rounds: number): Command {
  return command
    .addOption(
      new Option(
        '--participants <ids>',
        'whom to measure, separated by commas: wasm, onnxruntime-cuda, tfjs-cuda, tfjs-cuda:native …, torch, torch-compiled, jax, keras [default: all that are here]',
      ).argParser(listOf),
    )
    .option(
      '--node <programs>',
      'versions of Node that ours run on, paths separated by commas [default: this one]',
      listOf,
    )
    .addOption(new Option('--python <program>', 'the Python that has the peers').env('BN_PYTHON').default('python3'))
    .option('--rounds <n>', 'measured epochs of each', countOf, rounds)
    .option('--threads <n>', 'threads of each', countOf, availableParallelism())
    .option('--out <file>', 'write the results there, and as .json beside it');
}

/** @param among ids that are measured where none are asked for; null for all */
export function participantsOf(
  { participants, node, python }: SharedFlags,
  among: readonly string[] | null = null,
): Promise<Participant[]> {
  return findParticipants(participants ?? null, { nodes: node ?? [process.execPath], python }, among);
}

export function listOf(text: string): string[] {
  return text.split(',').map((word) => word.trim());
}

export function countOf(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1) throw new InvalidArgumentError(`expected a whole number of at least 1.`);
  return count;
}

export function secondsOf(text: string): number {
  const seconds = Number(text);
  if (!(seconds > 0 && seconds < Number.POSITIVE_INFINITY))
    throw new InvalidArgumentError('expected a number above 0.');
  return seconds;
}

/** @throws UsageError for a name that the table does not have */
export function entryOf<T>(table: Readonly<Record<string, T>>, name: string, what: string): T {
  if (Object.hasOwn(table, name)) return table[name]!;
  throw new UsageError(`unknown ${what} '${name}'; there are ${Object.keys(table).join(', ')}`);
}
