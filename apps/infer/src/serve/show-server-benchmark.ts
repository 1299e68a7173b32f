// The timings of a server, for people or programs.

import type { Io } from '@bn/command-line';
import { describeMachine } from '../model/describe-model.js';
import type { ServerTiming } from './benchmark-server.js';

/** A line of JSON per timing. */
export function showServerJson({ stdout }: Pick<Io, 'stdout'>): (timing: ServerTiming) => void {
  return ({ latency, ...timing }) => {
    stdout.write(`${JSON.stringify({ type: 'server', ...timing, latencyMilliseconds: latency })}\n`);
  };
}

/** A row per timing, and in the end what dynamic batching brings. */
export function showServerTable({ stdout }: Pick<Io, 'stdout'>): (timing: ServerTiming) => void {
  let batched: ServerTiming | null = null;
  stdout.write(`${describeMachine()}\n\n`);
  stdout.write('clients  batch up to    requests/s    p50 ms    p99 ms\n');
  return (timing) => {
    const { clients, maxBatch, requestsPerSecond, latency } = timing;
    const rate = Math.round(requestsPerSecond).toLocaleString('en-US');
    const times = [latency.p50, latency.p99].map((milliseconds) => milliseconds.toFixed(2).padStart(10));
    stdout.write(
      `${String(clients).padStart(7)}${String(maxBatch).padStart(13)}${rate.padStart(14)}${times.join('')}\n`,
    );
    if (maxBatch > 1) batched = timing;
    else if (batched) {
      const times = (batched.requestsPerSecond / requestsPerSecond).toFixed(2);
      stdout.write(`\ndynamic batching answers ${times} times the requests per second of --max-batch 1\n`);
    }
  };
}
