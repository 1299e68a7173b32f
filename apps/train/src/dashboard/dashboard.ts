// The training's side of the dashboard: starts its thread, and tells it how far the training is.

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { UsageError } from '@bn/command-line';
import type { StepEvent, TrainerEvent } from '@bn/core';

export type ToDashboard =
  | { readonly type: 'show'; readonly folder: string; readonly epochs: number }
  | { readonly type: 'step'; readonly event: StepEvent }
  | { readonly type: 'progress'; readonly text: string }
  | { readonly type: 'close'; readonly text: string };

export interface Dashboard {
  /** Its address for a browser on this machine. */
  readonly url: string;
  /** Says where the run is recorded; the runs beside it are offered too. */
  show(folder: string, epochs: number): void;
  event(event: TrainerEvent): void;
  /** Says how far what is shown is, in words, where there are no events. */
  say(text: string): void;
  /** @param text the last that pages show */
  close(text: string): Promise<void>;
}

/** Milliseconds between two words on the progress. */
const interval = 500;

/**
 * @param port 0 for the usual one, or one that is free if that is taken
 * @throws UsageError if the port cannot be had
 */
export async function startDashboard(port: number): Promise<Dashboard> {
  const worker = new Worker(new URL('worker.js', import.meta.url), { workerData: { port } });
  const [taken] = await once(worker, 'message').catch((cause: NodeJS.ErrnoException) => {
    const reasons: Record<string, string> = {
      EADDRINUSE: 'the port is in use; give another, or leave it out',
      EACCES: 'the port needs rights that this process lacks; give one above 1023',
    };
    const reason = reasons[cause.code ?? ''] ?? cause.message;
    throw new UsageError(`--dashboard ${port}: ${reason}`, { cause });
  });
  // Neither its end nor its failure is the training's.
  worker.unref();
  worker.on('error', () => {});
  const tell = (message: ToDashboard) => worker.postMessage(message);
  let toldAt = Number.NEGATIVE_INFINITY;
  return {
    url: `http://localhost:${taken}/`,
    show: (folder, epochs) => tell({ type: 'show', folder, epochs }),
    event(event) {
      if (event.type !== 'step' || performance.now() - toldAt < interval) return;
      toldAt = performance.now();
      tell({ type: 'step', event });
    },
    say: (text) => tell({ type: 'progress', text }),
    async close(text) {
      worker.ref();
      tell({ type: 'close', text });
      const end = once(worker, 'exit');
      const late = setTimeout(() => void worker.terminate(), 2000);
      await end.catch(() => {});
      clearTimeout(late);
    },
  };
}
