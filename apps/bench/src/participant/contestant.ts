// What a participant in JavaScript can do, and the conversation in which it is asked to.

import { createInterface } from 'node:readline';
import type { Introduction, Limits, Repeated, Request, Trained } from './exchange.js';

/** Something that is done over and over. */
interface Action {
  once(): Promise<unknown>;
  end?(): Promise<void>;
}

export interface Contestant {
  readonly introduction: Introduction;
  /** Images of an epoch. */
  readonly examples: number;
  /** Trains on all images, in an order of its own; gives the mean loss. */
  train(): Promise<number>;
  /** Trains on one batch, always the same, until the loss is on the host. */
  step(): Promise<unknown>;
  /** Predicts one batch of test images, pixels on the host to classes on the host. */
  predictions(batch: number): Promise<Action>;
  /** What the processor can do at most; unknown by default. */
  limits?(): Promise<Omit<Limits, 'peakBytes'>>;
  dispose?(): Promise<void>;
}

/** One that can neither train nor predict with this network. */
export function without(introduction: Introduction, reason: string): Contestant {
  const refuse = () => Promise.reject(new Error(reason));
  return {
    introduction: { ...introduction, cannot: { train: reason, predict: reason } },
    ...{ examples: 0, train: refuse, step: refuse, predictions: refuse },
  };
}

/** Introduces the contestant, and does what lines of standard input ask for until one says `end`. */
export async function converse(contestant: Contestant): Promise<void> {
  say(contestant.introduction);
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line) as Request;
    if (request.do === 'end') break;
    if (request.do === 'limits') {
      // Before anything else takes memory for it.
      const peakBytes = process.resourceUsage().maxRSS * 1024;
      say({ peakBytes, ...((await contestant.limits?.()) ?? { peak: null, operations: null }) });
      continue;
    }
    const busy = process.cpuUsage();
    const start = performance.now();
    if (request.do === 'train') {
      const loss = await contestant.train();
      const seconds = (performance.now() - start) / 1000;
      say({ seconds, examples: contestant.examples, loss, cpuSeconds: cpuSeconds(busy) });
      continue;
    }
    const action = request.do === 'step' ? { once: contestant.step } : await contestant.predictions(request.batch);
    await repeat(action, request.seconds / 3);
    const seconds = await repeat(action, request.seconds);
    await action.end?.();
    say({ seconds, cpuSeconds: cpuSeconds(busy) });
  }
  await contestant.dispose?.();
}

/** Seconds of each time. */
async function repeat({ once }: Action, seconds: number): Promise<number[]> {
  const end = performance.now() + 1000 * seconds;
  const times: number[] = [];
  while (times.length === 0 || performance.now() < end) {
    const start = performance.now();
    await once();
    times.push((performance.now() - start) / 1000);
  }
  return times;
}

function cpuSeconds(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1e6;
}

function say(message: Introduction | Trained | Repeated | Limits): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}
