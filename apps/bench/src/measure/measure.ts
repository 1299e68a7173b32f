// Measures participants side by side: all are started, then each trains an epoch in turn, round after round.

import { cpus } from 'node:os';
import { median } from '@bn/command-line';
import type { Network } from '../networks.js';
import type { Limits } from '../participant/exchange.js';
import { type Running, start } from '../participant/running.js';
import type { Participant } from '../participants.js';

export interface MeasureOptions {
  readonly network: Network;
  readonly batchSize: number;
  readonly threads: number;
  readonly rounds: number;
  /** How long predictions are measured, at batch 1 and at 256, in seconds; 0: not at all. */
  readonly predictionSeconds: number;
  readonly signal: AbortSignal;
  readonly say: (text: string) => void;
}

export interface Epoch {
  readonly examplesPerSecond: number;
  /** Share of the machine that other programs took meanwhile, 0 to 1. */
  readonly foreignLoad: number;
}

export interface Measured {
  readonly id: string;
  /** E.g. `@bn/wasm`, `PyTorch`. */
  readonly name: string;
  readonly version: string;
  readonly runtime: string;
  readonly epochs: readonly Epoch[];
  /** Mean loss of the first whole epoch, which is not timed: that all learn the same. */
  readonly firstLoss: number;
  readonly firstStepSeconds: number;
  /** Median seconds of one prediction of one image; null if predictions were not measured. */
  readonly latencySeconds: number | null;
  readonly limits: Limits;
  /** Of batches of 256. */
  readonly predictionsPerSecond: number | null;
}

/** Above this, an epoch is measured once more. */
export const disturbed = 0.1;

/**
 * An unmeasured epoch compiles what is missing, and warms caches and just-in-time compilers.
 *
 * @returns null if the signal ended it
 */
export async function measure(
  participants: readonly Participant[],
  options: MeasureOptions,
): Promise<Measured[] | null> {
  const { network, batchSize, threads, rounds, predictionSeconds, signal, say } = options;
  const running: Running[] = [];
  const firstLosses: number[] = [];
  const end = () => running.forEach(({ kill }) => void kill());
  signal.addEventListener('abort', end);
  try {
    for (const participant of participants) {
      signal.throwIfAborted();
      const one = await start(participant, { ...network, batchSize, threads, seed: 0 });
      running.push(one);
      firstLosses.push((await one.ask({ do: 'train' })).loss);
      say(`${title(one)}: first step after ${one.firstStepSeconds.toFixed(2)} s`);
    }
    const epochs = running.map((): Epoch[] => []);
    for (let round = 0; round < rounds; round++) {
      for (const [i, one] of running.entries()) {
        signal.throwIfAborted();
        let epoch = await trainEpoch(one);
        if (epoch.foreignLoad > disturbed) epoch = await trainEpoch(one);
        epochs[i]!.push(epoch);
        say(`round ${round + 1}/${rounds}  ${title(one)}: ${Math.round(epoch.examplesPerSecond)} examples/s`);
      }
    }
    const results: Measured[] = [];
    for (const [i, one] of running.entries()) {
      const speed = predictionSeconds > 0 ? await measurePredictions(one, predictionSeconds) : null;
      results.push({
        ...{ id: one.participant.id, ...one.introduction, epochs: epochs[i]!, firstLoss: firstLosses[i]! },
        firstStepSeconds: one.firstStepSeconds,
        latencySeconds: speed?.latencySeconds ?? null,
        predictionsPerSecond: speed?.predictionsPerSecond ?? null,
        limits: await one.ask({ do: 'limits' }),
      });
    }
    return results;
  } catch (error) {
    if (signal.aborted) return null;
    throw error;
  } finally {
    signal.removeEventListener('abort', end);
    end();
  }
}

function title({ introduction: { name, runtime }, participant }: Running): string {
  return name.startsWith('@bn/') ? `${name}, ${runtime}` : `${name} (${participant.variant})`;
}

async function trainEpoch(one: Running): Promise<Epoch> {
  const [busy, own] = [busySeconds(), process.cpuUsage()];
  const startedAt = performance.now();
  const { seconds, examples, cpuSeconds } = await one.ask({ do: 'train' });
  const wall = (performance.now() - startedAt) / 1000;
  const { user, system } = process.cpuUsage(own);
  const foreign = busySeconds() - busy - cpuSeconds - (user + system) / 1e6;
  const foreignLoad = Math.max(0, foreign / (wall * cpus().length));
  return { examplesPerSecond: examples / seconds, foreignLoad };
}

async function measurePredictions(one: Running, seconds: number) {
  const single = await one.ask({ do: 'predict', batch: 1, seconds });
  const many = await one.ask({ do: 'predict', batch: 256, seconds });
  return { latencySeconds: median(single.seconds), predictionsPerSecond: 256 / median(many.seconds) };
}

/** Of all processors together, since the start of the machine. */
function busySeconds(): number {
  return cpus().reduce((sum, { times: { user, nice, sys, irq } }) => sum + user + nice + sys + irq, 0) / 1000;
}
