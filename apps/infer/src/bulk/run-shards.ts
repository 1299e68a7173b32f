// Gives shards to workers until all are done: each takes the next one when it has finished the last.

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
