// Gives shards to workers until all are done: each takes the next one when it has finished the last.

import { setMaxListeners } from 'node:events';
import type { ShardFigures } from './do-shards.js';

/** Does a shard. @returns null if the signal ended it */
export type ShardRunner = (shard: number, signal: AbortSignal) => Promise<ShardFigures | null>;

/** @throws what a runner threw first, when the others have ended */
export async function runShards(
  shards: readonly number[],
  runners: readonly ShardRunner[],
  { signal, onDone }: { readonly signal: AbortSignal; readonly onDone: (figures: ShardFigures, shard: number) => void },
): Promise<void> {
  const failure = new AbortController();
  const either = AbortSignal.any([signal, failure.signal]);
  // Each runner listens.
  setMaxListeners(0, either);
  const queue = shards.values();
  const work = async (runner: ShardRunner): Promise<void> => {
    for (const shard of queue) {
      if (either.aborted) return;
      const figures = await runner(shard, either);
      if (!figures) return;
      onDone(figures, shard);
    }
  };
  const results = await Promise.allSettled(
    runners.map((runner) =>
      work(runner).catch((error) => {
        failure.abort();
        throw error;
      }),
    ),
  );
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}

/** What the work gives; null once the signal is aborted, whatever becomes of the work then. */
export async function untilEnded<T>(work: Promise<T>, signal: AbortSignal): Promise<T | null> {
  const done = new AbortController();
  const end = new Promise<null>((resolve) => {
    if (signal.aborted) resolve(null);
    signal.addEventListener('abort', () => resolve(null), { signal: done.signal });
  });
  try {
    return await Promise.race([work, end]);
  } finally {
    done.abort();
  }
}
