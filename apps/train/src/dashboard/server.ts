// Serves the dashboard to browsers on this machine, from what the folders of runs hold.

import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { basename, dirname, join } from 'node:path';
import { hostName, isOwnHost } from '@bn/command-line';
import { readRun } from '../compare/read-run.js';
import { runFolder } from '../run/run-folder.js';
import { renderCharts, renderDashboard } from './page.js';

/** Runs that are offered, the latest by name; milliseconds between two looks at the files of those that are shown. */
const [mostRuns, interval] = [200, 1000];

export interface DashboardServer {
  readonly server: Server;
  /** Says which run trains: the folder of its folder has the others. */
  show(folder: string): void;
  /** Says how far it is, in words. */
  progress(text: string): void;
  /** Says goodbye, and ends all answers. */
  close(text: string): Promise<void>;
}

/** Not yet listening. */
export function createDashboardServer(): DashboardServer {
  let current: string | undefined;
  let latest: string | undefined;
  const watchers = new Set<ServerResponse>();

  const server = createServer((request, response) => {
    answer(request, response).catch((error: Error) => {
      if (!response.headersSent) response.writeHead(500, plain);
      response.end(`${error.message}\n`);
    });
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(guards)) response.setHeader(name, value);
    const { host = '' } = request.headers;
    if (!isOwnHost(host, ['localhost'])) {
      response.writeHead(421, plain).end(`the host '${hostName(host).slice(0, 100)}' is not this server's\n`);
      return;
    }
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    if (request.method !== 'GET') response.writeHead(405, { ...plain, allow: 'GET' }).end('only GET is allowed\n');
    else if (!current)
      response.writeHead(503, { ...plain, 'retry-after': '2' }).end('the training is being prepared\n');
    else if (pathname === '/') {
      const names = await runsIn(dirname(current));
      response
        .writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
        .end(renderDashboard(names, basename(current)));
    } else if (pathname === '/events') await watch(searchParams.getAll('run'), current, response);
    else response.writeHead(404, plain).end('there is only the page /\n');
  }

  async function watch(wanted: readonly string[], folder: string, response: ServerResponse): Promise<void> {
    const parent = dirname(folder);
    // Only names that were found there: none leads elsewhere.
    const known = await runsIn(parent);
    const names = known.filter((name) => (wanted.length > 0 ? wanted.includes(name) : name === basename(folder)));
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    watchers.add(response);
    if (latest !== undefined) send(response, 'progress', latest);
    let shown: string | null = null;
    const look = async () => {
      const state = await stateOf(names.map((name) => join(parent, name)));
      if (state === shown) return;
      shown = state;
      const runs = await Promise.all(names.map((name) => readRun(join(parent, name), parent)));
      send(response, 'charts', await renderCharts(runs));
    };
    await look();
    const timer = setInterval(() => void look().catch(() => {}), interval);
    response.on('close', () => {
      clearInterval(timer);
      watchers.delete(response);
    });
  }

  return {
    server,
    show(folder) {
      current = folder;
    },
    progress(text) {
      latest = text;
      for (const watcher of watchers) send(watcher, 'progress', text);
    },
    async close(text) {
      for (const watcher of watchers) {
        send(watcher, 'end', text);
        watcher.end();
      }
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeIdleConnections();
      });
    },
  };
}

const plain = { 'content-type': 'text/plain; charset=utf-8' };
/** No page of another origin may read, embed or keep what is here. */
const guards = {
  'cache-control': 'no-store',
  'content-security-policy': "frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
};

/** An event of a stream; a line of JSON, as the format has lines. */
function send(response: ServerResponse, event: string, data: string): void {
  response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}

/** Names of the folders with runs, the latest first where they are named by the time. */
async function runsIn(parent: string): Promise<string[]> {
  const entries = await readdir(parent, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const runs = names.filter((name) => existsSync(runFolder(join(parent, name)).config));
  return runs.sort().reverse().slice(0, mostRuns);
}

/** Changes when there is something new to be shown. */
async function stateOf(folders: readonly string[]): Promise<string> {
  const states = folders.map(async (folder) => {
    const { mtimeMs, size } = await stat(runFolder(folder).metrics).catch(() => ({ mtimeMs: 0, size: 0 }));
    return `${mtimeMs} ${size}`;
  });
  return (await Promise.all(states)).join();
}
