// A connection to Redis for BullMQ. Both packages are optional: they are looked for when a user asks for Redis.

import { createRequire } from 'node:module';
import { setTimeout } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { resolvePackage } from '../resolve-module.js';
import { UsageError } from '../usage-error.js';

/** The oldest Redis that BullMQ recommends. */
const oldest = [6, 2] as const;
const packages = 'bullmq@6 ioredis@5';

export interface RedisConnection {
  /** The URL without its password, for messages. */
  readonly name: string;
  readonly client: Redis;
  readonly bullmq: typeof import('bullmq');
  /** @param say told once when the connection is lost, and once when it is back */
  watch(say: (text: string) => void): void;
  /** Drops the connection, also where Redis does not answer. */
  close(): Promise<void>;
}

/**
 * Connects once: a Redis that does not answer is an error. A connection that is lost later is tried again until it is back.
 *
 * @param url `redis://user:password@host:port/database`, or `rediss://` for TLS
 * @param cwd the working folder, where the packages are looked for first
 * @throws UsageError for packages that are not installed, and for a Redis that cannot be reached or is not fit for queues
 */
export async function connectRedis(url: string, cwd: string): Promise<RedisConnection> {
  const name = withoutPassword(url);
  const refuse = (problem: string, cause?: unknown) => new UsageError(`--redis ${name}: ${problem}`, { cause });
  const bullmq = load<typeof import('bullmq')>('bullmq', cwd);
  const { Redis } = load<typeof import('ioredis')>('ioredis', cwd);
  let isOpen = false;
  const client = new Redis(url, {
    ...{ lazyConnect: true, connectTimeout: 10_000 },
    // BullMQ's condition: commands wait for the connection to come back.
    maxRetriesPerRequest: null,
    retryStrategy: (times: number) => (isOpen ? Math.min(200 * times, 2000) : null),
  });
  const problems: Error[] = [];
  client.on('error', (problem) => void (!isOpen && problems.push(problem)));
  // The connection's own failure says less than the events before it.
  await client.connect().catch((cause) => void problems.push(cause));
  const info = problems.length > 0 ? '' : await client.info().catch((cause) => void problems.push(cause));
  const [problem] = problems;
  const unfit = problem ? reasonFor(problem) : unfitness(info ?? '');
  if (unfit) {
    client.disconnect();
    throw refuse(unfit, problem);
  }
  isOpen = true;
  return {
    ...{ name, client, bullmq },
    watch(say) {
      let isLost = false;
      client.on('close', () => {
        if (!isOpen || isLost) return;
        isLost = true;
        say(`the connection to ${name} is lost; it is tried again until it is back`);
      });
      client.on('ready', () => {
        if (isLost) say(`the connection to ${name} is back`);
        isLost = false;
      });
    },
    async close() {
      isOpen = false;
      // What is under way gets a moment to be written.
      await Promise.race([client.quit().catch(() => {}), setTimeout(500, undefined, { ref: false })]);
      client.disconnect();
    },
  };
}

function load<T>(name: string, cwd: string): T {
  const file = resolvePackage(name, cwd) ?? resolvePackage(name, import.meta.dirname);
  if (file) return createRequire(file)(file) as T;
  throw new UsageError(`--redis: ${name} is not installed; run \`npm install ${packages}\``);
}

/** @throws UsageError for what is not the URL of a Redis */
function withoutPassword(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (!parsed || !/^rediss?:$/.test(parsed.protocol) || parsed.hostname === '') {
    // It may hold a password.
    throw new UsageError('--redis: expected a URL such as redis://localhost:6379 or rediss://user:password@host:6380');
  }
  if (parsed.password !== '') parsed.password = '…';
  return decodeURI(parsed.href);
}

function reasonFor({ message, code }: Error & { code?: string }): string {
  const reasons: readonly (readonly [RegExp, string])[] = [
    [/ECONNREFUSED/, 'nothing listens there; start Redis (redis-server), or correct host and port'],
    [/ENOTFOUND|EAI_AGAIN/, 'there is no such host; correct its name'],
    [/ETIMEDOUT|EHOSTUNREACH|ENETUNREACH/, 'it does not answer; correct the URL, also redis:// or rediss:// (TLS)'],
    [/WRONGPASS|invalid password/, 'user or password is wrong; correct the URL'],
    [/NOAUTH/, 'it asks for a password; give one: redis://:password@host:port'],
    [/NOPERM/, `the user lacks rights (${message}); give it those that BullMQ needs`],
    [/DB index/, 'it has no database of that number; correct the end of the URL'],
    [/Connection is closed|ECONNRESET/, 'it closed the connection; its log says why'],
    [/Protocol error|SSL|wrong version number/, 'what answers there is not Redis; correct host and port'],
  ];
  return reasons.find(([pattern]) => pattern.test(`${code} ${message}`))?.[1] ?? `${message}; correct the URL`;
}

/** Why queues cannot be kept in this Redis, as its `INFO` tells; null if they can. */
function unfitness(info: string): string | null {
  const field = (name: string) => new RegExp(`^${name}:(.*?)\r?$`, 'm').exec(info)?.[1];
  const version = field('redis_version') ?? '0';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < oldest[0] || (major === oldest[0] && minor < oldest[1])) {
    return `its version is ${version}, and ${oldest.join('.')} or newer is needed; update Redis`;
  }
  const policy = field('maxmemory_policy') ?? 'noeviction';
  if (policy === 'noeviction') return null;
  return `it may drop tasks when its memory is full (maxmemory-policy ${policy}); set maxmemory-policy noeviction`;
}
