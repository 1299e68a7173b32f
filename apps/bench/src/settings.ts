// The flags that the commands share, and what they mean.

import { availableParallelism } from 'node:os';
import { checkedList, checkedOption, text, wholeNumber } from '@bn/command-line';
import type { Command } from 'commander';
import { peersInJavaScript } from './participant/peers.js';
import { findParticipants, type Participant } from './participants.js';

export interface ParticipantFlags {
  readonly participants?: string[];
  readonly node?: string[];
  readonly python: string;
}

export interface SharedFlags extends ParticipantFlags {
  readonly rounds: number;
  readonly threads: number;
}

export function addSharedOptions(command: Command, rounds: number): Command {
  return addParticipantOptions(command)
    .addOption(checkedOption('--rounds', wholeNumber(1), 'measured epochs of each').default(rounds))
    .addOption(checkedOption('--threads', wholeNumber(1, 1024), 'threads of each').default(availableParallelism()));
}

export function addParticipantOptions(command: Command): Command {
  return command
    .addOption(
      checkedList(
        '--participants',
        text('<id>'),
        `whom to measure: wasm, onnxruntime-cuda, tfjs-cuda, tfjs-cuda:native …, torch, torch-compiled, jax, keras [default: all of these that are here]; and ${Object.keys(peersInJavaScript).join(', ')}`,
      ),
    )
    .addOption(
      checkedList(
        '--node',
        text('<program>'),
        'versions of Node that ours and the peers in JavaScript run on, by their paths [default: this one]',
      ),
    )
    .addOption(
      checkedOption('--python', text('<program>'), 'the Python that has the peers; also by BN_PYTHON')
        .env('BN_PYTHON')
        .default('python3'),
    );
}

/** @param among ids that are measured where none are asked for; null for all */
export function participantsOf(
  { participants, node, python }: ParticipantFlags,
  among: readonly string[] | null = null,
): Promise<Participant[]> {
  return findParticipants(participants ?? null, { nodes: node ?? [process.execPath], python }, among);
}
