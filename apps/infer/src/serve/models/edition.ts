// One content of a model's file, loaded into the workers.

import type { Argument } from '@bn/command-line';
import { BnError } from '@bn/core';
import { batchSizes } from '../batching/batch-queue.js';
import type { Clock } from '../batching/clock.js';
import type { Dispatcher } from '../batching/dispatcher.js';
import { type BatchObservation, type Outputs, Predictor, type QueueLimits } from '../batching/predictor.js';
import type { Metrics } from '../http/metrics.js';
import type { Computation, ModelDescription, Tasks } from '../workers/messages.js';
import type { WorkerPool } from '../workers/worker-pool.js';
import type { WorkerThread } from '../workers/worker-thread.js';
import type { ServedModel } from './served-model.js';
import { Statistics } from './statistics.js';

export interface EditionOptions {
  readonly pool: WorkerPool;
  readonly dispatcher: Dispatcher<WorkerThread>;
  readonly clock: Clock;
  readonly limits: QueueLimits;
  readonly metrics: Metrics;
}

interface Content {
  readonly name: string;
  readonly version: number;
  /** What the workers call it. */
  readonly number: number;
  readonly path: string;
  readonly bytes: Uint8Array;
}

export class Edition {
  readonly #options: EditionOptions;
  readonly #content: Content;
  readonly #predictors: Readonly<Record<Computation, Predictor<WorkerThread>>>;
  readonly model: ServedModel;
  /** Milliseconds of its slowest batch. */
  #slowest: number;
  /** Requests that use it. */
  #users = 0;
  #isRetired = false;

  private constructor(options: EditionOptions, content: Content, description: ModelDescription) {
    this.#options = options;
    this.#content = content;
    this.#slowest = description.slowest;
    const { clock, dispatcher, limits, metrics } = options;
    const { name, number: model } = content;
    const version = String(content.version);
    const statistics = new Statistics(name, version);
    const observe = (batch: BatchObservation) => {
      metrics.observeBatch(name, batch);
      statistics.observeBatch(batch);
    };
    const predictor = (computation: Computation) =>
      new Predictor<WorkerThread>({
        ...{ clock, dispatcher, limits, dtype: description.input.spec.dtype, observe },
        compute: (worker, features) => this.#compute(worker, { model, computation, features }),
      });
    const predictors = { outputs: predictor('outputs'), answer: predictor('answer') };
    this.#predictors = predictors;
    this.model = {
      ...description,
      ...{ name, version, limits, statistics },
      requireRoom: (computation) => predictors[computation].requireRoom(1),
      predict: (computation, features, rows, caller) =>
        statistics.observeRequest(rows, () => predictors[computation].predict(features, rows, caller)),
    };
  }

  /** @throws BnError and WorkerDied as `WorkerPool.load` does */
  static async load(options: EditionOptions, content: Content): Promise<Edition> {
    const { number, path, bytes } = content;
    const sizes = batchSizes(options.limits.maxBatch);
    return new Edition(options, content, await options.pool.load(number, { source: { path, bytes }, sizes }));
  }

  get bytes(): Uint8Array {
    return this.#content.bytes;
  }

  /** Requests that wait. */
  get queued(): number {
    return this.#predictors.outputs.queued + this.#predictors.answer.queued;
  }

  async use<T>(task: (model: ServedModel) => T | Promise<T>): Promise<T> {
    this.#users++;
    try {
      return await task(this.model);
    } finally {
      this.#users--;
      this.#unloadUnused();
    }
  }

  /** Unloads it when no request uses it any more. */
  retire(): void {
    this.#isRetired = true;
    this.#unloadUnused();
  }

  /**
   * A worker is overdue after a tenth of the timeout, unless batches have taken a tenth of that time. One that takes so long that
   * nobody waits any more, or whose backend has died in it, is replaced.
   */
  async #compute(worker: WorkerThread, batch: Argument<Tasks, 'run'>): Promise<Outputs> {
    const { clock, limits, pool } = this.#options;
    const start = clock.now();
    worker.dueAt = start + Math.max(limits.timeout / 10, 10 * this.#slowest);
    const watchdog = clock.after(limits.timeout, () =>
      pool.discard(worker, `did not finish a batch within ${limits.timeout / 1000} s`),
    );
    try {
      const outputs = await worker.ask('run', batch, [batch.features.buffer as ArrayBuffer]);
      this.#slowest = Math.max(this.#slowest, clock.now() - start);
      return outputs;
    } catch (error) {
      if (!(error instanceof BnError)) pool.discard(worker, `failed (${(error as Error).message})`);
      else if (error.code !== 'data') {
        const { model } = batch;
        await worker
          .ask('probe', { model })
          .catch(({ message }) => pool.discard(worker, `computes no more (${message})`));
      }
      throw error;
    } finally {
      watchdog.cancel();
      worker.dueAt = Number.POSITIVE_INFINITY;
    }
  }

  #unloadUnused(): void {
    if (!this.#isRetired || this.#users > 0) return;
    for (const predictor of Object.values(this.#predictors)) this.#options.dispatcher.delete(predictor);
    void this.#options.pool.unload(this.#content.number);
  }
}
