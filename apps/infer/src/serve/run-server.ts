// A server's life: from its models' files to its last answer.

import { once } from 'node:events';
import { Server } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import type { Io } from '@bn/command-line';
import { BnError } from '@bn/core';
import type { FastifyInstance } from 'fastify';
import type { OpenModelOptions } from '../model/open-model.js';
import { systemClock } from './batching/clock.js';
import { Dispatcher } from './batching/dispatcher.js';
import type { GrpcServer } from './grpc/grpc-server.js';
import { createBudgets } from './http/budget.js';
import { type AppOptions, createApp } from './http/create-app.js';
import { Metrics } from './http/metrics.js';
import { createLog, LineWriter, type LogLevel } from './log.js';
import { ModelLibrary } from './models/model-library.js';
import { watchFiles } from './models/watch-files.js';
import { WorkerPool } from './workers/worker-pool.js';
import { WorkerThread } from './workers/worker-thread.js';

/** The knobs of the server. */
export interface ServeSettings {
  /** The model files. */
  readonly files: readonly string[];
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** Without it there is no gRPC. */
  readonly grpcPort?: number;
  readonly apiKey: string | null;
  /** Whose pages may call it. */
  readonly allowOrigin: readonly string[];
  readonly workers: number;
  /** Examples. */
  readonly maxBatch: number;
  /** Milliseconds. */
  readonly maxDelay: number;
  /** Requests per model. */
  readonly maxQueue: number;
  /** Megabytes. */
  readonly maxBody: number;
  /** Seconds. */
  readonly timeout: number;
  /** Seconds. */
  readonly drain: number;
  /** `explicit`: requests may load and unload models. */
  readonly modelControl: 'none' | 'explicit';
  readonly logLevel: LogLevel;
  readonly accessLog: 'on' | 'off';
  readonly backend: OpenModelOptions;
}

/** How long connections are waited for at the end that are kept open, but silent, in milliseconds. */
const silence = 1000;

/** After SIGTERM, how long whoever sends requests here may take to see that it is not ready, in milliseconds. */
const notice = 1000;

/** Serves until the signal, then answers what it has been asked. */
export async function runServer(settings: ServeSettings, io: Io): Promise<void> {
  const maxBody = settings.maxBody * 2 ** 20;
  const lines = new LineWriter(io.stderr);
  const flush = () => lines.flush();
  // Also when the process ends otherwise than it should.
  process.once('exit', flush);
  const log = createLog(settings.logLevel, lines);
  const program = new URL('workers/worker-program.js', import.meta.url);
  const dispatcher: Dispatcher<WorkerThread> = new Dispatcher(
    { acquire: () => pool.acquire(), release: (thread) => pool.release(thread) },
    systemClock,
  );
  const pool = new WorkerPool({
    ...{ count: settings.workers, log, onIdle: () => dispatcher.wake() },
    spawn: () => new WorkerThread(program, settings.backend),
  });
  const metrics: Metrics = new Metrics({
    queued: () => library.names.map((name) => [name, library.queued(name)] as const),
    workers: () => pool.size,
  });
  let library!: ModelLibrary;
  const closers: (() => Promise<unknown>)[] = [];
  try {
    library = await ModelLibrary.open(settings.files, {
      ...{ pool, dispatcher, log, metrics, clock: systemClock },
      limits: { ...settings, timeout: settings.timeout * 1000 },
      isControlled: settings.modelControl === 'explicit',
    });
    const options: AppOptions = {
      ...{ models: library, metrics, log, apiKey: settings.apiKey, allowOrigin: settings.allowOrigin },
      accessLog: settings.accessLog === 'on',
      hosts: isLocal(settings) && settings.apiKey === null ? ['localhost', settings.host] : null,
      ...{ maxBody, budgets: createBudgets(maxBody) },
      timeout: settings.timeout * 1000,
      isReady: () => pool.size > 0,
      isLive: () => pool.isLive,
      isDraining: () => io.signal.aborted,
    };
    const app = await createApp(options);
    closers.push(() => app.close());
    const address = await listen(settings.host, settings.port, '--port', (host, port) => app.listen({ host, port }));
    const grpc = settings.grpcPort === undefined ? null : await openGrpc(options, settings.host, settings.grpcPort);
    if (grpc) closers.push(() => grpc.close(0));
    const unwatch = watchFiles(library.files, (name) => void library.reload(name));
    const reloadAll = () => library.names.forEach((name) => void library.reload(name));
    process.on('SIGHUP', reloadAll);
    // Whoever reads this may send signals.
    announce(grpc ? `${address}, gRPC on port ${grpc.port}` : address, library, settings, io);
    if (!io.signal.aborted) await once(io.signal, 'abort');
    const { reason } = io.signal;
    log.info({ reason: String(reason) }, 'stopping: what was asked is answered, nothing new is accepted');
    process.off('SIGHUP', reloadAll);
    unwatch();
    await drain(app, grpc, settings.drain * 1000, reason === 'SIGTERM' ? notice : 0);
    log.info('stopped');
  } finally {
    for (const close of closers) await close();
    await pool.close();
    flush();
    process.off('exit', flush);
  }
}

/** Loaded only when it is asked for: it takes a tenth of a second. */
async function openGrpc(options: AppOptions, host: string, port: number): Promise<GrpcServer & { port: number }> {
  const { createGrpcServer } = await import('./grpc/grpc-server.js');
  const server = createGrpcServer(options);
  return { ...server, port: await listen(host, port, '--grpc-port', server.listen) };
}

/** @param flag that says the port */
async function listen<T>(
  host: string,
  port: number,
  flag: string,
  task: (host: string, port: number) => Promise<T>,
): Promise<T> {
  try {
    return await task(host, port);
  } catch (cause) {
    const { message } = cause as Error;
    const reasons: Record<string, string> = {
      EADDRINUSE: `the port is in use; choose another with ${flag}, or 0 for any that is free`,
      EACCES: `no permission; choose a port above 1023 with ${flag}`,
      EADDRNOTAVAIL: 'the address is not one of this machine; choose another with --host',
      ENOTFOUND: 'there is no such host; choose another with --host',
    };
    const code = Object.keys(reasons).find((code) => message.includes(code));
    throw new BnError('argument', `${host}:${port}: ${reasons[code ?? ''] ?? message}`, { cause });
  }
}

function isLocal({ host }: ServeSettings): boolean {
  return /^(localhost|127\..*|::1)$/.test(host);
}

function announce(address: string, library: ModelLibrary, settings: ServeSettings, { stdout, stderr }: Io): void {
  const { host, apiKey } = settings;
  const isOpen = apiKey === null && !isLocal(settings);
  if (isOpen) stderr.write(`warning: ${host} can be reached by other machines, and no --api-key keeps strangers out\n`);
  stdout.write(`serving ${library.names.join(', ')} on ${address}\n`);
}

/**
 * Refuses new connections and answers what comes on those there are, telling their clients to close them. Then closes those
 * that stay silent, and at the limit all.
 *
 * @param limit in milliseconds
 * @param notice how long new connections are still accepted, in milliseconds, at most a quarter of the limit
 */
async function drain(app: FastifyInstance, grpc: GrpcServer | null, limit: number, notice: number): Promise<void> {
  const end = setTimeout(() => app.server.closeAllConnections(), limit);
  const heeded = Math.min(notice, limit / 4);
  await wait(heeded);
  const grpcEnd = grpc?.close(limit - heeded);
  // Not the HTTP server's own `close`, which would cut connections that seem idle under a request on its way.
  Server.prototype.close.call(app.server);
  const connections = () =>
    new Promise<number>((resolve) => app.server.getConnections((_, count) => resolve(count ?? 0)));
  for (let waited = 0; waited < silence && (await connections()) > 0; waited += 20) await wait(20);
  await app.close();
  await grpcEnd;
  clearTimeout(end);
}
