// Tasks by way of a real Redis: what is refused, and what a worker or Redis that goes away does to them.

import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { freePort, startRedis } from '../../../test/start-redis.js';
import { connectRedis, doTasks, giveTasks, type TaskContext } from '../src/tasks.js';

const say = () => {};
const common = { say, queue: 'test', version: '1' };
const connect = (redis: string) => connectRedis(redis, import.meta.dirname);

const giver = async (redis: string, given: object = {}) =>
  giveTasks<number, number>(await connect(redis), {
    ...common,
    owner: 'me',
    worker: 'work',
    onProgress: () => {},
    ...given,
  });

/** A worker until the test ends, unless it is stopped before. */
function worker(
  redis: string,
  perform: (task: number, context: TaskContext) => Promise<number>,
  version = common.version,
) {
  const end = new AbortController();
  const options = { ...common, version, concurrency: 2, signal: end.signal };
  const ended = connect(redis).then((connection) => doTasks(connection, options, perform));
  ended.catch(() => {});
  onTestFinished(() => end.abort());
  return { ended, stop: () => end.abort() };
}

/** Answers like a Redis of that version, as far as it is asked. */
async function pretend(version: string, more = ''): Promise<string> {
  const info = `redis_version:${version}\r\n${more}`;
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (data) => {
      const asked = `${data}`.match(/\*\d+\r\n/g)?.length ?? 0;
      const answer = /info/i.test(`${data}`) ? `$${info.length}\r\n${info}\r\n` : '+OK\r\n';
      socket.write(answer.repeat(asked));
    });
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return `redis://127.0.0.1:${(server.address() as { port: number }).port}`;
}

test('a Redis that cannot be used is refused in words, without the password', async (context) => {
  const { url } = await startRedis(context, '--requirepass', 'secret');
  const withPassword = url.replace('//', '//:secret@');
  const page = createServer((socket) => void socket.on('error', () => {}).end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  page.listen(0, '127.0.0.1');
  onTestFinished(() => void page.close());
  await once(page, 'listening');
  const cases: [string, RegExp][] = [
    ['localhost:6379', /^--redis: expected a URL such as redis:\/\//],
    [`redis://127.0.0.1:${await freePort()}`, /nothing listens there; start Redis/],
    ['redis://nowhere.invalid', /there is no such host; correct its name/],
    [url, /it asks for a password; give one/],
    [url.replace('//', '//:wrong@'), /^--redis redis:\/\/:…@localhost:\d+: user or password is wrong/],
    [`${withPassword}/99`, /it has no database of that number/],
    [`redis://127.0.0.1:${(page.address() as { port: number }).port}`, /what answers there is not Redis/],
    [await pretend('6.0.16'), /its version is 6\.0\.16, and 6\.2 or newer is needed; update Redis/],
    [await pretend('7.2.0', 'maxmemory_policy:allkeys-lru\r\n'), /it may drop tasks .*set maxmemory-policy noeviction/],
  ];
  for (const [redis, words] of cases) {
    const error = await connect(redis).then(
      () => null,
      (cause: Error) => cause,
    );
    expect(error, redis).toMatchObject({ name: 'UsageError', message: expect.stringMatching(words) });
    expect(error!.message).not.toMatch(/secret|wrong@/);
  }
  await (await connect(withPassword)).close();
});

test('tasks are done once each; urgent ones first; what fails is tried three times and tells its words', async (context) => {
  const { url } = await startRedis(context);
  const done: number[] = [];
  const said: string[] = [];
  const tasks = await giver(url, { say: (text: string) => said.push(text) });
  // Given before there is a worker, so that the order is theirs.
  const given = [3, 1, 2].map((n) => tasks.run(`task-${n}`, n, n));
  const failing = tasks.run('failing', 0, 4).catch((error: Error) => error.message);
  await setTimeout(1000);
  let failures = 0;
  worker(url, async (n) => {
    if (n === 0) throw new Error(`failed ${++failures}`);
    done.push(n);
    return 10 * n;
  });
  expect(await Promise.all(given)).toEqual([30, 10, 20]);
  expect(done).toEqual([1, 2, 3]);
  expect(await failing).toBe('failed 3');
  expect(said).toEqual([`no worker is connected; start some with: work --redis ${url} --queue test`]);
  await tasks.close();
});

test('a worker of another version leaves the tasks to others, and says why', async (context) => {
  const { url } = await startRedis(context);
  const tasks = await giver(url);
  const result = tasks.run('one', 1, 1);
  const other = worker(url, async () => -1, '2');
  await expect(other.ended).rejects.toThrow(
    /^the tasks in the queue test of redis:\/\/localhost:\d+ are of version 1, and this worker is of 2; install the same version/,
  );
  worker(url, async (n) => n);
  expect(await result).toBe(1);
  await tasks.close();
});

test('a worker that is stopped gives back what it has begun', async (context) => {
  const { url } = await startRedis(context);
  const tasks = await giver(url);
  const begun = new EventEmitter();
  const first = worker(url, async (_, { signal }) => {
    begun.emit('begun');
    await once(signal, 'abort');
    return -1;
  });
  const result = tasks.run('one', 1, 1);
  await once(begun, 'begun');
  first.stop();
  await first.ended;
  worker(url, async (n) => n);
  expect(await result).toBe(1);
  await tasks.close();
});

test('a Redis that forgets everything when it restarts is told again', { timeout: 30_000 }, async (context) => {
  const redis = await startRedis(context);
  const said: string[] = [];
  const tasks = await giver(redis.url, { say: (text: string) => said.push(text) });
  const results = [1, 2, 3].map((n) => tasks.run(`task-${n}`, n, 1));
  while (said.length === 0) await setTimeout(20);
  await redis.stop();
  await setTimeout(300);
  await redis.start();
  worker(redis.url, async (n) => n);
  expect(await Promise.all(results)).toEqual([1, 2, 3]);
  const told = [/no worker/, /is lost; it is tried again/, /is back$/].map((words) => expect.stringMatching(words));
  expect(said).toEqual(told);
  await tasks.close();
});
