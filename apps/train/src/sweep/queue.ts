// Where sweeps and workers meet: the flags of both, and the connection.

import { type CheckedCommand, type Io, text } from '@bn/command-line';
import type { RedisConnection } from '@bn/command-line/tasks';

export const defaultQueue = 'bn-train';

export interface QueueFlags {
  readonly redis?: string;
  readonly queue: string;
}

export function queueFlags(command: CheckedCommand): void {
  command
    .checked(
      '--redis',
      text('<url>'),
      'redis:// or rediss://, where workers take trials from; also by BN_REDIS, which keeps a password out of the list of processes [default: none]',
    )
    .checked('--queue', text('<name>'), 'queue in that Redis: workers of one take no trials of others', defaultQueue);
}

/** Null where none is asked for. */
export function redisUrl({ redis }: QueueFlags, { env }: Pick<Io, 'env'>): string | null {
  return redis ?? (env.BN_REDIS || null);
}

/** Loads what is needed for it only now. @throws UsageError for a Redis that cannot be used */
export async function openRedis(url: string, { cwd }: Pick<Io, 'cwd'>): Promise<RedisConnection> {
  const { connectRedis } = await import('@bn/command-line/tasks');
  return connectRedis(url, cwd);
}
