// Where those who give tasks and workers meet: the flags of both, and the connection.

import { hostname } from 'node:os';
import type { CheckedCommand } from './checked-option.js';
import type { Io } from './io.js';
import { text } from './kinds.js';
import { printable } from './printable.js';
import type { RedisConnection } from './tasks/connect.js';
import type { TaskContext } from './tasks/do-tasks.js';
import { UsageError } from './usage-error.js';
import { version } from './version.js';

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

/** A worker's side of a queue. */
export interface JoinedQueue {
  /** Writes a line to standard output. */
  say(line: string): void;
  /** Does tasks, so many at a time, until the signal. */
  work<Task, Result>(
    concurrency: number,
    perform: (task: Task, context: TaskContext) => Promise<Result>,
  ): Promise<void>;
}

/** Connects a worker, and says so. @throws UsageError without a Redis, or for one that cannot be used */
export async function joinQueue(flags: QueueFlags, { tasks }: Pick<QueueWords, 'tasks'>, io: Io): Promise<JoinedQueue> {
  const { queue } = flags;
  const url = redisUrl(flags, io);
  if (url === null) {
    throw new UsageError(`--redis is missing: where ${tasks} come from, such as redis://localhost:6379`);
  }
  const connection = await openRedis(url, io);
  const { doTasks } = await import('./tasks.js');
  const say = (line: string) => void io.stdout.write(`${printable(line)}\n`);
  say(`worker ${process.pid} on ${hostname()} takes ${tasks} from the queue ${queue} of ${connection.name}`);
  return {
    say,
    work: (concurrency, perform) =>
      doTasks(connection, { queue, version, concurrency, signal: io.signal, say }, perform),
  };
}
