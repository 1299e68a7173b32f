// A real Redis for tests, where one is installed.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { onTestFinished, type TestContext } from 'vitest';

export interface TestRedis {
  readonly url: string;
  /** Ends it at once; what is not on its disk is lost. */
  stop(): Promise<void>;
  /** On the same port, from the same folder. */
  start(): Promise<void>;
}

/** A server of the test's own, on a free port; skips the test where none is installed. @param options such as `--requirepass x` */
export async function startRedis({ skip }: TestContext, ...options: readonly string[]): Promise<TestRedis> {
  if (spawnSync('redis-server', ['--version']).status !== 0) skip('redis-server is not installed');
  const folder = mkdtempSync(join(tmpdir(), 'bn-redis-'));
  const port = await freePort();
  let server: ChildProcess | undefined;
  const stop = async () => {
    if (!server || server.exitCode !== null || server.signalCode !== null) return;
    server.kill('SIGKILL');
    await once(server, 'exit');
  };
  const start = async () => {
    const own = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--save', ''];
    server = spawn('redis-server', [...own, ...options], { stdio: 'ignore' });
    while (!(await answers(port))) await setTimeout(20);
  };
  onTestFinished(async () => {
    await stop();
    rmSync(folder, { recursive: true, force: true });
  });
  await start();
  return { url: `redis://localhost:${port}`, stop, start };
}

/** One at which nothing listens at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.end());
  });
}
