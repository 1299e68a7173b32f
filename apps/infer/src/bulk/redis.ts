// Shards by way of Redis: given by `bulk`, done by `worker` on any machine that has the same folders.

import { setTimeout as wait } from 'node:timers/promises';
import { version } from '@bn/command-line';
import type { RedisConnection } from '@bn/command-line/tasks';
import { BnError } from '@bn/core';
import type { ShardFigures, ShardTask } from './do-shards.js';
import { untilEnded } from './run-shards.js';
import { isDone } from './work-folder.js';

/** Where both meet. */
export const shardQueue = { tasks: 'shards', queue: 'bn-infer' } as const;

export interface GivingShards {
  readonly queue: string;
  /** Sets the shards of this work apart from others. */
  readonly owner: string;
  readonly say: (message: string) => void;
}

export interface RemoteShards {
  /**
   * @returns null if the signal ended it
   * @throws BnError `backend` if workers fail at it, or do it where this machine does not see it
   */
  do(task: ShardTask, signal: AbortSignal): Promise<ShardFigures | null>;
  /** Takes back what no worker has begun, and drops the connection. */
  close(): Promise<void>;
}

/** BullMQ has no higher one. */
const mostPriority = 2 ** 21;

/** How long a file may take to be seen here that was written on another machine, in seconds. */
const patience = 30;

export async function shardsByRedis(
  connection: RedisConnection,
  { queue, owner, say }: GivingShards,
): Promise<RemoteShards> {
  const { giveTasks } = await import('@bn/command-line/tasks');
  const giver = giveTasks<ShardTask, ShardFigures>(connection, {
    ...{ queue, owner, version, say, worker: 'infer worker' },
    onProgress: () => {},
  });
  return {
    async do(task, signal) {
      if (signal.aborted) return null;
      const priority = Math.min(task.shard + 1, mostPriority);
      const result = giver.run(String(task.shard), task, priority).catch((cause: Error) => {
        const problem = `shard ${task.shard}: ${cause.message}`;
        throw cause instanceof BnError ? cause : new BnError('backend', problem, { cause });
      });
      const figures = await untilEnded(result, signal);
      if (figures) await requirePart(task, signal);
      return figures;
    },
    close: () => giver.close(),
  };
}

async function requirePart({ folder, shard }: ShardTask, signal: AbortSignal): Promise<void> {
  for (let seconds = 0; !signal.aborted && !(await isDone(folder, shard)); seconds++) {
    if (seconds === patience) {
      const problem = `a worker has done shard ${shard}, but its part is not in ${folder} of this machine`;
      throw new BnError('backend', `${problem}; let all machines have the same folder under that path`);
    }
    await wait(1000);
  }
}
