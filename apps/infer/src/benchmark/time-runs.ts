// How long something takes, run after run.

import { createHistogram } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';

export interface Timing {
  readonly runs: number;
  /** From the first run's start to the last one's end. */
  readonly seconds: number;
  /** Of a run, in milliseconds: so many of a hundred took no longer. */
  readonly latency: { readonly p50: number; readonly p90: number; readonly p99: number };
}

export interface TimingOptions {
  /** How long runs are timed, at least; as many are made before, untimed, in a quarter of that. */
  readonly seconds: number;
  readonly signal: AbortSignal;
}

/** Of so few runs a 99th percentile would say little: slow ones take longer than was asked for. */
const fewestRuns = 10;

/** Milliseconds until the signal is heard. */
const betweenLooks = 100;

/** @returns null if the signal ended it */
export async function timeRuns(
  run: () => Promise<unknown>,
  { seconds, signal }: TimingOptions,
): Promise<Timing | null> {
  // The first runs allocate, compile and fill caches.
  const warmed = await repeat(run, { seconds: seconds / 4, fewest: 2, signal });
  return warmed && repeat(run, { seconds, fewest: fewestRuns, signal });
}

async function repeat(
  run: () => Promise<unknown>,
  { seconds, fewest, signal }: TimingOptions & { readonly fewest: number },
): Promise<Timing | null> {
  const histogram = createHistogram();
  const start = performance.now();
  let now = start;
  let looked = start;
  for (let runs = 0; runs < fewest || now - start < seconds * 1000; runs++) {
    if (signal.aborted) return null;
    if (now - looked > betweenLooks) {
      // Lets signals in: a backend that computes in JavaScript never waits for anything.
      await setImmediate();
      now = performance.now();
      looked = now;
    }
    await run();
    const end = performance.now();
    // In nanoseconds; 0 cannot be recorded.
    histogram.record(Math.max(1, Math.round((end - now) * 1e6)));
    now = end;
  }
  const percentile = (share: number) => histogram.percentile(share) / 1e6;
  return {
    runs: histogram.count,
    seconds: (now - start) / 1000,
    latency: { p50: percentile(50), p90: percentile(90), p99: percentile(99) },
  };
}
