// A server as a process of its own, and a client of it.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

/** Milliseconds after which what has not happened will not: a test then says what it waits for. */
export const patience = 60_000;

const program = fileURLToPath(new URL('../dist/index.js', import.meta.url));

export interface ServerProcess {
  readonly url: string;
  /** 0 without gRPC. */
  readonly grpcPort: number;
  readonly process: ChildProcess;
  /** What it has logged so far. */
  log(): string;
  /** Until a line of the log matches. */
  logged(pattern: RegExp): Promise<void>;
  /** Sends the signal. @returns the exit code */
  stop(signal: NodeJS.Signals): Promise<number | null>;
}

/** Starts `infer serve` on a free port; it ends with the test. */
export async function startServer(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<ServerProcess> {
  const child = spawn(process.execPath, [program, 'serve', '--port', '0', ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exit = once(child, 'exit') as Promise<[number | null]>;
  onTestFinished(() => void child.kill('SIGKILL'));
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  const addresses = await new Promise<{ url: string; grpcPort: number }>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const [, url, port = 0] = / on (http:[^\s,]+)(?:, gRPC on port (\d+))?/.exec(text) ?? [];
      if (url) resolve({ url, grpcPort: Number(port) });
    });
    void exit.then(([code]) => reject(new Error(`the server ended with ${code}: ${log}`)));
    setTimeout(() => reject(new Error(`the server does not start: ${log}`)), patience).unref();
  });
  return {
    ...addresses,
    process: child,
    log: () => log,
    async logged(pattern) {
      const start = Date.now();
      for (; !pattern.test(log); await new Promise((resolve) => setTimeout(resolve, 20))) {
        if (Date.now() - start > patience) throw new Error(`${pattern} is not logged: ${log}`);
      }
    },
    async stop(signal) {
      child.kill(signal);
      return (await exit)[0];
    },
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Request {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** A client that keeps its connections, as many as it has requests at a time. */
export function createClient(url: string): (path: string, request?: Request) => Promise<Answer> {
  const agent = new Agent({ keepAlive: true });
  onTestFinished(() => agent.destroy());
  return (path, { method = 'GET', headers = {}, body = '' } = {}) =>
    new Promise((resolve, reject) => {
      const request = httpRequest(`${url}${path}`, {
        agent,
        method,
        headers: { ...headers, 'content-length': Buffer.byteLength(body) },
      });
      request.on('error', reject);
      request.on('response', async (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part)).on('error', reject);
        response.on('end', () => {
          resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(parts) });
        });
      });
      request.end(body);
    });
}

/** An inference request for uint8 images of 2 × 2 pixels. */
export function pixelsAsJson(...pixels: readonly number[]): Request & { readonly body: string } {
  const input = { name: 'features', shape: [pixels.length / 4, 1, 2, 2], datatype: 'UINT8', data: pixels };
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ inputs: [input] }) };
}

/** The same with bytes, for an answer with bytes. */
export function pixelsAsBytes(...pixels: readonly number[]): Request & { readonly body: Buffer } {
  const input = {
    ...{ name: 'features', shape: [pixels.length / 4, 1, 2, 2], datatype: 'UINT8' },
    parameters: { binary_data_size: pixels.length },
  };
  const json = Buffer.from(JSON.stringify({ inputs: [input], parameters: { binary_data_output: true } }));
  return {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream', 'inference-header-content-length': String(json.length) },
    body: Buffer.concat([json, Buffer.from(pixels)]),
  };
}
