// The worker threads. Each holds all models and computes one batch at a time; one that ends is replaced.

import { setTimeout as wait } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Workers } from '../batching/dispatcher.js';
import type { LoadOptions, ModelDescription } from './messages.js';
import { WorkerDied, type WorkerThread } from './worker-thread.js';

export interface WorkerPoolOptions {
  readonly count: number;
  readonly spawn: () => WorkerThread;
  readonly log: Logger;
  /** Called when a worker that was not idle is. */
  readonly onIdle: () => void;
}

/** Waits before the second and later attempts to replace a worker, in milliseconds; the last one repeats. */
const pauses = [250, 1000, 4000, 15_000];

/** How long a server without workers is given to get one, in milliseconds. */
const patience = 30_000;

export class WorkerPool implements Workers<WorkerThread> {
  readonly #options: WorkerPoolOptions;
  /** Those that hold all models. */
  readonly #threads = new Set<WorkerThread>();
  readonly #starting = new Set<WorkerThread>();
  readonly #idle: WorkerThread[] = [];
  readonly #models = new Map<number, LoadOptions>();
  #emptySince = 0;
  #isClosed = false;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    for (let i = 0; i < options.count; i++) this.#join(this.#watched(options.spawn()));
  }

  /** Workers that can compute: not those that are overdue. */
  get size(): number {
    const now = performance.now();
    return [...this.#threads].filter(({ dueAt }) => dueAt > now).length;
  }

  /** Whether there are workers, or will be: not when replacing them has not helped for a while. */
  get isLive(): boolean {
    return this.#threads.size > 0 || performance.now() - this.#emptySince < patience;
  }

  acquire(): WorkerThread | undefined {
    return this.#idle.pop();
  }

  release(thread: WorkerThread): void {
    if (this.#threads.has(thread)) this.#idle.push(thread);
  }

  /**
   * Loads a model into all workers, which go on computing batches of others.
   *
   * @throws BnError as `compileModel` does, WorkerDied if a worker dies of the model; then no worker keeps it
   */
  async load(model: number, options: LoadOptions): Promise<ModelDescription> {
    // Known before it is loaded: a worker that joins meanwhile has it too.
    this.#models.set(model, options);
    const loads = [...this.#threads].map((thread) => thread.ask('load', { model, ...options }));
    const results = await Promise.allSettled(loads);
    const failure = results.find((result) => result.status === 'rejected');
    if (!failure) return (results[0] as PromiseFulfilledResult<ModelDescription>).value;
    await this.unload(model);
    throw failure.reason;
  }

  async unload(model: number): Promise<void> {
    this.#models.delete(model);
    await Promise.allSettled([...this.#threads].map((thread) => thread.ask('unload', { model })));
  }

  /** Replaces a worker that does not answer, or computes no more. Its tasks fail at once, though it may take long to end. */
  discard(thread: WorkerThread, reason: string): void {
    const death = new WorkerDied(`the worker ${reason}`);
    thread.fail(death);
    void thread.end();
    this.#lose(thread, death);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#threads, ...this.#starting].map((thread) => thread.end()));
  }

  #join(thread: WorkerThread): void {
    this.#threads.add(thread);
    this.#idle.push(thread);
    this.#options.onIdle();
  }

  #watched(thread: WorkerThread): WorkerThread {
    void thread.ended.then((death) => this.#lose(thread, death));
    return thread;
  }

  #lose(thread: WorkerThread, death: WorkerDied): void {
    const isMember = this.#threads.delete(thread);
    const index = this.#idle.indexOf(thread);
    if (index >= 0) this.#idle.splice(index, 1);
    if (!isMember || this.#isClosed) return;
    if (this.#threads.size === 0) this.#emptySince = performance.now();
    this.#options.log.error({ err: death }, 'a worker ended; another one takes its place');
    void this.#replace();
  }

  async #replace(): Promise<void> {
    for (let attempt = 0; !this.#isClosed; attempt++) {
      const thread = this.#watched(this.#options.spawn());
      this.#starting.add(thread);
      try {
        await this.#loadAll(thread);
        if (!this.#isClosed) this.#join(thread);
        return;
      } catch (err) {
        this.#options.log.error({ err, attempt }, 'a worker could not be replaced yet');
        await thread.end();
        await wait(pauses[attempt] ?? pauses.at(-1), undefined, { ref: false });
      } finally {
        this.#starting.delete(thread);
      }
    }
  }

  /** Until no model is missing: others may be loaded meanwhile. */
  async #loadAll(thread: WorkerThread): Promise<void> {
    const loaded = new Set<number>();
    for (;;) {
      const missing = [...this.#models].find(([model]) => !loaded.has(model));
      if (!missing) return;
      const [model, options] = missing;
      await thread.ask('load', { model, ...options });
      loaded.add(model);
    }
  }
}
