// Where those who give tasks and workers meet: the flags of both, and the connection.

import type { CheckedCommand } from './checked-option.js';
import type { Io } from './io.js';
import { text } from './kinds.js';
import type { RedisConnection } from './tasks/connect.js';

export interface QueueFlags {
  readonly redis?: string;
  readonly queue: string;
}

export interface QueueWords {
  /** What workers take from it, e.g. `trials`. */
  readonly tasks: string;
  readonly queue: string;
}

export function queueFlags(command: CheckedCommand, { tasks, queue }: QueueWords): void {
  command
    .checked(
      '--redis',
      text('<url>'),
      `redis:// or rediss://, where workers take ${tasks} from; also by BN_REDIS, which keeps a password out of the list of processes [default: none]`,
    )
    .checked('--queue', text('<name>'), `queue in that Redis: workers of one take no ${tasks} of others`, queue);
}

/** Null where none is asked for. */
export function redisUrl({ redis }: QueueFlags, { env }: Pick<Io, 'env'>): string | null {
  return redis ?? (env.BN_REDIS || null);
}

/** Loads what is needed for it only now. @throws UsageError for a Redis that cannot be used */
export async function openRedis(url: string, { cwd }: Pick<Io, 'cwd'>): Promise<RedisConnection> {
  // By the package's entry, which is a file of its own.
  const { connectRedis } = await import('./tasks.js');
  return connectRedis(url, cwd);
}
