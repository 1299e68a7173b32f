// Measures participants in turns beside processes that compute without end.

import { type ChildProcess, spawn } from 'node:child_process';
import type { Network } from '../networks.js';
import type { Introduction } from '../participant/exchange.js';
import { type Running, start } from '../participant/running.js';
import type { Participant } from '../participants.js';
import { type Percentiles, percentiles } from './measure.js';

export interface ContentionOptions {
  readonly network: Network;
  readonly batchSize: number;
  readonly threads: number;
  /** Numbers of busy processes, one after the other. */
  readonly busy: readonly number[];
  readonly rounds: number;
  /** Of single images, and of training steps, in each round. */
  readonly seconds: number;
  readonly signal: AbortSignal;
  readonly say: (text: string) => void;
}

/** One participant beside so many busy processes. Times are null for what it cannot do. */
export interface Contended extends Introduction {
  readonly id: string;
  readonly threads: number;
  readonly busy: number;
  readonly image: Percentiles | null;
  readonly step: Percentiles | null;
}

/** @returns null if the signal ended it */
export async function measureContention(
  participants: readonly Participant[],
  options: ContentionOptions,
): Promise<Contended[] | null> {
  const { network, batchSize, threads, busy, rounds, seconds, signal, say } = options;
  const running: Running[] = [];
  const others: ChildProcess[] = [];
  const end = () => [...running, ...others].forEach((one) => void one.kill());
  signal.addEventListener('abort', end);
  try {
    for (const participant of participants) {
      signal.throwIfAborted();
      running.push(await start(participant, { ...network, batchSize, threads, seed: 0 }));
    }
    const results: Contended[] = [];
    for (const count of busy.toSorted((a, b) => a - b)) {
      while (others.length < count) others.push(spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }));
      const images = running.map((): number[] => []);
      const steps = running.map((): number[] => []);
      for (let round = 0; round < rounds; round++) {
        for (const [i, one] of running.entries()) {
          signal.throwIfAborted();
          const { train, predict } = one.introduction.cannot ?? {};
          if (predict === undefined) images[i]!.push(...(await one.ask({ do: 'predict', batch: 1, seconds })).seconds);
          if (train === undefined) steps[i]!.push(...(await one.ask({ do: 'step', seconds })).seconds);
        }
        say(`threads: ${threads}, busy processes: ${count}, round ${round + 1}/${rounds}`);
      }
      const summary = (times: readonly number[]) => (times.length === 0 ? null : percentiles(times));
      for (const [i, { participant, introduction }] of running.entries()) {
        const times = { image: summary(images[i]!), step: summary(steps[i]!) };
        results.push({ id: participant.id, ...introduction, threads, busy: count, ...times });
      }
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
