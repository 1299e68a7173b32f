// How fast a server answers over loopback: one client alone, and many at once with and without dynamic batching.

import { Agent, request } from 'node:http';
import { parse } from 'node:path';
import { BnError } from '@bn/core';
import autocannon from 'autocannon';
import { timeRuns } from '../benchmark/time-runs.js';
import type { OpenModelOptions } from '../model/open-model.js';
import type { ModelMetadata } from './protocol/schemas.js';
import { startServerChild } from './server-child.js';

export interface ServerBenchmarkOptions {
  readonly backend: OpenModelOptions;
  /** For each timing; a quarter of it goes before, untimed. */
  readonly seconds: number;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

export interface ServerTiming {
  /** Each sends one request after another, of one example as JSON. */
  readonly clients: number;
  /** Examples that the server computes together, at most. */
  readonly maxBatch: number;
  readonly requestsPerSecond: number;
  /** Milliseconds, from the request to the whole answer. */
  readonly latency: { readonly p50: number; readonly p90: number; readonly p99: number };
}

type Figures = Pick<ServerTiming, 'requestsPerSecond' | 'latency'>;

const manyClients = 64;
const maxBatch = 64;

/**
 * @returns one client; many clients; many clients of a server that computes one example at a time
 * @throws BnError `backend` when a server does not start, or a request fails
 */
export async function* benchmarkServer(file: string, options: ServerBenchmarkOptions): AsyncGenerator<ServerTiming> {
  const { backend, env, signal } = options;
  for (const size of [maxBatch, 1]) {
    const flags = [...flagsOf(backend), '--max-batch', String(size)];
    const server = await startServerChild([file, ...flags], env, backend.workingFolder);
    try {
      const question = await prepare(`${server.url}/v2/models/${encodeURIComponent(parse(file).name)}`);
      const alone = size > 1 && (await timeOne(question, options));
      if (alone) yield { clients: 1, maxBatch: size, ...alone };
      const together = await timeMany(question, options);
      if (together) yield { clients: manyClients, maxBatch: size, ...together };
    } finally {
      await server.end();
    }
    if (signal.aborted) return;
  }
}

function flagsOf({ workingFolder: _, exact = false, ...values }: OpenModelOptions): string[] {
  const flags = Object.entries(values);
  const given = flags.flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, String(value)]));
  return exact ? [...given, '--exact'] : given;
}

interface Question {
  readonly url: string;
  readonly body: string;
}

/** An inference request that fits the model. */
async function prepare(url: string): Promise<Question> {
  const { inputs } = (await (await fetch(url)).json()) as ModelMetadata;
  const { name, datatype, shape } = inputs[0]!;
  const sizes = shape.map((n) => Math.max(n, 1));
  const size = sizes.reduce((product, n) => product * n, 1);
  const values = {
    UINT8: (i: number) => (i * 37) % 256,
    INT32: (i: number) => i % 2,
    FP32: (i: number) => ((i * 37) % 256) / 255,
    BOOL: (i: number) => i % 2 === 0,
  };
  const data = Array.from({ length: size }, (_, i) => values[datatype](i));
  return { url: `${url}/infer`, body: JSON.stringify({ inputs: [{ name, datatype, shape: sizes, data }] }) };
}

/** One request after the other on one connection; null if the signal ended it. */
async function timeOne(question: Question, options: ServerBenchmarkOptions): Promise<Figures | null> {
  const agent = new Agent({ keepAlive: true });
  try {
    const timing = await timeRuns(() => ask(question, agent), options);
    return timing && { requestsPerSecond: timing.runs / timing.seconds, latency: timing.latency };
  } finally {
    agent.destroy();
  }
}

function ask({ url, body }: Question, agent: Agent): Promise<void> {
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', agent, headers }, (response) => {
      if (response.statusCode !== 200) reject(new BnError('backend', `the server answered ${response.statusCode}`));
      response.resume().on('end', resolve).on('error', reject);
    });
    sent.on('error', reject).end(body);
  });
}

/** null if the signal ended it. */
async function timeMany({ url, body }: Question, { seconds, signal }: ServerBenchmarkOptions): Promise<Figures | null> {
  const load = (duration: number) =>
    autocannon({
      ...{ url, body, method: 'POST', connections: manyClients, duration },
      headers: { 'content-type': 'application/json' },
    });
  if (!signal.aborted) await load(seconds / 4);
  if (signal.aborted) return null;
  const { errors, non2xx, requests, latency, duration } = await load(seconds);
  if (signal.aborted) return null;
  if (errors + non2xx > 0) throw new BnError('backend', `${errors + non2xx} requests failed under load`);
  const { p50, p90, p99 } = latency;
  return { requestsPerSecond: requests.total / duration, latency: { p50, p90, p99 } };
}
