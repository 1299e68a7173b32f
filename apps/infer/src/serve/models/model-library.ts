// The models of the server: loads their files into the workers, and replaces them while they are in use.

import { parse } from 'node:path';
import { type Argument, readModelFile, UsageError } from '@bn/command-line';
import { BnError, type DType, describeSignature } from '@bn/core';
import type { Logger } from 'pino';
import { batchSizes } from '../batching/batch-queue.js';
import type { Clock } from '../batching/clock.js';
import type { Dispatcher } from '../batching/dispatcher.js';
import { type Outputs, Predictor, type QueueLimits } from '../batching/predictor.js';
import type { Metrics } from '../http/metrics.js';
import { HttpError } from '../http-error.js';
import type { Computation, Tasks } from '../workers/messages.js';
import type { WorkerPool } from '../workers/worker-pool.js';
import { WorkerDied, type WorkerThread } from '../workers/worker-thread.js';
import type { Models, ServedModel } from './served-model.js';

export interface ModelLibraryOptions {
  readonly pool: WorkerPool;
  readonly dispatcher: Dispatcher<WorkerThread>;
  readonly clock: Clock;
  readonly limits: QueueLimits;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** One file's content, loaded. */
interface Edition {
  readonly number: number;
  readonly bytes: Uint8Array;
  readonly model: ServedModel;
  readonly predictors: Readonly<Record<Computation, Predictor<WorkerThread>>>;
  /** Requests that use it. */
  users: number;
  isReplaced: boolean;
}

const computations = ['outputs', 'answer'] as const;

export class ModelLibrary implements Models {
  readonly #options: ModelLibraryOptions;
  /** By model name. */
  readonly files: ReadonlyMap<string, string>;
  readonly #editions = new Map<string, Edition>();
  readonly #reloads = new Map<string, Promise<void>>();
  #nextNumber = 0;

  private constructor(files: ReadonlyMap<string, string>, options: ModelLibraryOptions) {
    this.files = files;
    this.#options = options;
  }

  /**
   * @param paths of the files; their names without `.onnx` are the models'
   * @throws UsageError when two have the same name; BnError as `openModel` does
   */
  static async open(paths: readonly string[], options: ModelLibraryOptions): Promise<ModelLibrary> {
    const files = new Map<string, string>();
    for (const path of paths) {
      const { name } = parse(path);
      if (files.has(name)) {
        throw new UsageError(`${files.get(name)} and ${path} have the same name '${name}'; rename one of the files`);
      }
      files.set(name, path);
    }
    const library = new ModelLibrary(files, options);
    for (const [name, path] of files) {
      const edition = await library.#load(name, await readModelFile(path));
      library.#editions.set(name, edition);
      const { backend, signature, assumptions } = edition.model;
      const about = signature ? ` ${describeSignature(signature)}` : '';
      options.log.info({ model: name, path, backend }, `model loaded${about && `: it${about}`}`);
      for (const assumption of assumptions) options.log.warn({ model: name }, assumption);
    }
    return library;
  }

  get names(): readonly string[] {
    return [...this.files.keys()];
  }

  /** Requests that wait for a model. */
  queued(name: string): number {
    const { predictors } = this.#editions.get(name)!;
    return predictors.outputs.queued + predictors.answer.queued;
  }

  async use<T>(name: string, task: (model: ServedModel) => T | Promise<T>): Promise<T> {
    const edition = this.#editions.get(name);
    if (!edition) throw new HttpError(404, `there is no model '${name}'; the models are ${this.names.join(', ')}`);
    edition.users++;
    try {
      return await task(edition.model);
    } finally {
      edition.users--;
      this.#unloadUnused(edition);
    }
  }

  /**
   * Reads a model's file again; if it has changed, requests that come from then on get the new content. A file that
   * cannot be loaded changes nothing but the log.
   */
  reload(name: string): Promise<void> {
    const reload = (this.#reloads.get(name) ?? Promise.resolve()).then(() => this.#replace(name));
    this.#reloads.set(name, reload);
    return reload;
  }

  async #replace(name: string): Promise<void> {
    const { log, metrics } = this.#options;
    const path = this.files.get(name)!;
    const old = this.#editions.get(name)!;
    try {
      const bytes = await readModelFile(path);
      if (Buffer.compare(bytes, old.bytes) === 0) return log.info({ model: name }, 'the file has not changed');
      const edition = await this.#load(name, bytes);
      this.#editions.set(name, edition);
      old.isReplaced = true;
      this.#unloadUnused(old);
      metrics.observeReload(name, true);
      log.info({ model: name, path, version: edition.model.version }, 'model reloaded');
    } catch (error) {
      metrics.observeReload(name, false);
      const known = error instanceof BnError || error instanceof WorkerDied;
      const details = known ? { reason: error.message } : { err: error };
      log.error({ model: name, path, ...details }, 'the file cannot be loaded; the model stays as it was');
    }
  }

  async #load(name: string, bytes: Uint8Array): Promise<Edition> {
    const { pool, limits } = this.#options;
    const number = this.#nextNumber++;
    const source = { path: this.files.get(name)!, bytes };
    const description = await pool.load(number, { source, sizes: batchSizes(limits.maxBatch) });
    const { dtype } = description.input.spec;
    const predictor = (computation: Computation) => this.#predictor(name, number, computation, dtype);
    const predictors = { outputs: predictor('outputs'), answer: predictor('answer') };
    const model: ServedModel = {
      ...description,
      name,
      version: String(1 + Number(this.#editions.get(name)?.model.version ?? 0)),
      requireRoom: (computation) => predictors[computation].requireRoom(1),
      predict: (computation, ...request) => predictors[computation].predict(...request),
    };
    return { number, bytes, model, predictors, users: 0, isReplaced: false };
  }

  #predictor(name: string, model: number, computation: Computation, dtype: DType): Predictor<WorkerThread> {
    const { clock, dispatcher, limits, metrics } = this.#options;
    return new Predictor<WorkerThread>({
      ...{ clock, dispatcher, limits, dtype },
      compute: (worker, features) => this.#compute(worker, { model, computation, features }),
      observe: (batch) => metrics.observeBatch(name, batch),
    });
  }

  /** A worker that takes so long that nobody waits any more, or whose backend has died in it, is replaced. */
  async #compute(worker: WorkerThread, batch: Argument<Tasks, 'run'>): Promise<Outputs> {
    const { clock, limits, pool } = this.#options;
    const watchdog = clock.after(limits.timeout, () =>
      pool.discard(worker, `did not finish a batch within ${limits.timeout / 1000} s`),
    );
    try {
      return await worker.ask('run', batch, [batch.features.buffer as ArrayBuffer]);
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
    }
  }

  #unloadUnused({ number, predictors, users, isReplaced }: Edition): void {
    if (!isReplaced || users > 0) return;
    for (const computation of computations) this.#options.dispatcher.delete(predictors[computation]);
    void this.#options.pool.unload(number);
  }
}
