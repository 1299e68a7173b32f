// Measures participants side by side: all are started, then each trains an epoch in turn, round after round.

import { cpus } from 'node:os';
import { median } from '@bn/command-line';
import type { Network } from '../networks.js';
import type { Introduction, Limits } from '../participant/exchange.js';
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

export interface Measured extends Introduction {
  readonly id: string;
  /** None if it cannot train. */
  readonly epochs: readonly Epoch[];
  /** Mean loss of the first whole epoch, which is not timed: that all learn the same; null if it cannot train. */
  readonly firstLoss: number | null;
  /** Null if it cannot train. */
  readonly firstStepSeconds: number | null;
  /** Seconds of one prediction of one image; null if predictions were not measured. */
  readonly latency: Percentiles | null;
  readonly limits: Limits;
  /** Of batches of 256. */
  readonly predictionsPerSecond: number | null;
}

/** Of times, in seconds: half of them, nine of ten, and 99 of a hundred took no longer. */
export interface Percentiles {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
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
  const firstLosses: (number | null)[] = [];
  const end = () => running.forEach(({ kill }) => void kill());
  signal.addEventListener('abort', end);
  try {
    for (const participant of participants) {
      signal.throwIfAborted();
      const one = await start(participant, { ...network, batchSize, threads, seed: 0 });
      running.push(one);
      const { train: reason } = one.introduction.cannot ?? {};
      firstLosses.push(reason === undefined ? (await one.ask({ do: 'train' })).loss : null);
      const first = `first step after ${one.readySeconds.toFixed(2)} s`;
      say(`${title(one)}: ${reason === undefined ? first : `cannot train: ${reason}`}`);
    }
    const epochs = running.map((): Epoch[] => []);
    for (let round = 0; round < rounds; round++) {
      for (const [i, one] of running.entries()) {
        signal.throwIfAborted();
        if (one.introduction.cannot?.train !== undefined) continue;
        let epoch = await trainEpoch(one);
        if (epoch.foreignLoad > disturbed) epoch = await trainEpoch(one);
        epochs[i]!.push(epoch);
        say(`round ${round + 1}/${rounds}  ${title(one)}: ${Math.round(epoch.examplesPerSecond)} examples/s`);
      }
    }
    const results: Measured[] = [];
    for (const [i, one] of running.entries()) {
      const { cannot } = one.introduction;
      const predicts = predictionSeconds > 0 && cannot?.predict === undefined;
      const speed = predicts ? await measurePredictions(one, predictionSeconds) : null;
      results.push({
        ...{ id: one.participant.id, ...one.introduction, epochs: epochs[i]!, firstLoss: firstLosses[i]! },
        firstStepSeconds: cannot?.train === undefined ? one.readySeconds : null,
        latency: speed?.latency ?? null,
        predictionsPerSecond: speed?.predictionsPerSecond ?? null,
        limits: cannot?.train === undefined ? await one.ask({ do: 'limits' }) : unknownLimits,
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

const unknownLimits: Limits = { peakBytes: null, peak: null, operations: null };

function title({ introduction: { name, runtime }, participant }: Running): string {
  return name.startsWith('@bn/') ? `${name}, ${runtime}` : `${name} (${participant.variant})`;
}

export function percentiles(seconds: readonly number[]): Percentiles {
  const sorted = seconds.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
  return { p50: median(seconds), p90: at(0.9), p99: at(0.99) };
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
  return { latency: percentiles(single.seconds), predictionsPerSecond: 256 / median(many.seconds) };
}

/** Of all processors together, since the start of the machine. */
function busySeconds(): number {
  return cpus().reduce((sum, { times: { user, nice, sys, irq } }) => sum + user + nice + sys + irq, 0) / 1000;
}
