// The models of the server: loads their files into the workers, and replaces them while they are in use.

import { parse } from 'node:path';
import { type Argument, readModelFile, UsageError } from '@bn/command-line';
import { BnError, type DType, describeSignature } from '@bn/core';
import type { Logger } from 'pino';
import { batchSizes } from '../batching/batch-queue.js';
import type { Clock } from '../batching/clock.js';
import type { Dispatcher } from '../batching/dispatcher.js';
import { type BatchObservation, type Outputs, Predictor, type QueueLimits } from '../batching/predictor.js';
import type { Metrics } from '../http/metrics.js';
import { HttpError } from '../http-error.js';
import type { RepositoryIndex } from '../protocol/schemas.js';
import type { Computation, Tasks } from '../workers/messages.js';
import type { WorkerPool } from '../workers/worker-pool.js';
import { WorkerDied, type WorkerThread } from '../workers/worker-thread.js';
import type { Models, ServedModel } from './served-model.js';
import { Statistics } from './statistics.js';

export interface ModelLibraryOptions {
  readonly pool: WorkerPool;
  readonly dispatcher: Dispatcher<WorkerThread>;
  readonly clock: Clock;
  readonly limits: QueueLimits;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Whether requests may load and unload models. */
  readonly isControlled: boolean;
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
  /** How often each model has been loaded. */
  readonly #versions = new Map<string, number>();
  /** The last change of each model. */
  readonly #changes = new Map<string, Promise<void>>();
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
    return [...this.files.keys()].filter((name) => this.#editions.has(name));
  }

  get index(): RepositoryIndex {
    return [...this.files.keys()].map((name) => {
      const version = String(this.#versions.get(name) ?? 0);
      const isLoaded = this.#editions.has(name);
      return { name, version, state: isLoaded ? 'READY' : 'UNAVAILABLE', reason: isLoaded ? '' : 'unloaded' };
    });
  }

  /** Requests that wait for a model. */
  queued(name: string): number {
    const { predictors } = this.#editions.get(name)!;
    return predictors.outputs.queued + predictors.answer.queued;
  }

  async use<T>(name: string, task: (model: ServedModel) => T | Promise<T>): Promise<T> {
    const edition = this.#loaded(name);
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
   * cannot be loaded changes nothing but the log. A model that is not loaded stays so.
   */
  reload(name: string): Promise<void> {
    return this.#afterOthers(name, async () => {
      if (this.#editions.has(name)) await this.#replace(name).catch(() => {});
    });
  }

  load(name: string): Promise<void> {
    this.#requireControl();
    if (!this.files.has(name)) this.#loaded(name);
    return this.#afterOthers(name, async () => {
      await this.#replace(name).catch((error) => {
        throw isKnown(error) ? new HttpError(400, error.message) : error;
      });
    });
  }

  unload(name: string): Promise<void> {
    this.#requireControl();
    return this.#afterOthers(name, async () => {
      this.#retire(this.#loaded(name));
      this.#editions.delete(name);
      this.#options.log.info({ model: name }, 'model unloaded');
    });
  }

  #requireControl(): void {
    if (this.#options.isControlled) return;
    const problem = 'requests cannot load and unload models here';
    throw new HttpError(403, `${problem}; the server has to be started with --model-control explicit`);
  }

  /** @throws HttpError 404 */
  #loaded(name: string): Edition {
    const edition = this.#editions.get(name);
    if (edition) return edition;
    const problem = this.files.has(name) ? `model '${name}' is not loaded` : `there is no model '${name}'`;
    throw new HttpError(404, `${problem}; the models are ${this.names.join(', ') || 'all unloaded'}`);
  }

  /** One change of a model at a time. */
  #afterOthers(name: string, change: () => Promise<void>): Promise<void> {
    const changed = (this.#changes.get(name) ?? Promise.resolve()).then(change);
    this.#changes.set(
      name,
      changed.catch(() => {}),
    );
    return changed;
  }

  async #replace(name: string): Promise<void> {
    const { log, metrics } = this.#options;
    const path = this.files.get(name)!;
    const old = this.#editions.get(name);
    try {
      const bytes = await readModelFile(path);
      if (old && Buffer.compare(bytes, old.bytes) === 0) return log.info({ model: name }, 'the file has not changed');
      const edition = await this.#load(name, bytes);
      this.#editions.set(name, edition);
      if (old) this.#retire(old);
      metrics.observeReload(name, true);
      log.info({ model: name, path, version: edition.model.version }, `model ${old ? 're' : ''}loaded`);
    } catch (error) {
      metrics.observeReload(name, false);
      const details = isKnown(error) ? { reason: error.message } : { err: error };
      log.error({ model: name, path, ...details }, 'the file cannot be loaded; the model stays as it was');
      throw error;
    }
  }

  async #load(name: string, bytes: Uint8Array): Promise<Edition> {
    const { pool, limits } = this.#options;
    const version = 1 + (this.#versions.get(name) ?? 0);
    const statistics = new Statistics(name, String(version));
    const number = this.#nextNumber++;
    const source = { path: this.files.get(name)!, bytes };
    const description = await pool.load(number, { source, sizes: batchSizes(limits.maxBatch) });
    const { dtype } = description.input.spec;
    const observe = (batch: BatchObservation) => {
      this.#options.metrics.observeBatch(name, batch);
      statistics.observeBatch(batch);
    };
    const predictor = (computation: Computation) => this.#predictor(number, computation, dtype, observe);
    const predictors = { outputs: predictor('outputs'), answer: predictor('answer') };
    this.#versions.set(name, version);
    const model: ServedModel = {
      ...description,
      ...{ name, version: String(version), limits, statistics },
      requireRoom: (computation) => predictors[computation].requireRoom(1),
      predict: (computation, features, rows, signal) =>
        statistics.observeRequest(rows, () => predictors[computation].predict(features, rows, signal)),
    };
    return { number, bytes, model, predictors, users: 0, isReplaced: false };
  }

  #predictor(
    model: number,
    computation: Computation,
    dtype: DType,
    observe: (batch: BatchObservation) => void,
  ): Predictor<WorkerThread> {
    const { clock, dispatcher, limits } = this.#options;
    return new Predictor<WorkerThread>({
      ...{ clock, dispatcher, limits, dtype, observe },
      compute: (worker, features) => this.#compute(worker, { model, computation, features }),
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

  #retire(edition: Edition): void {
    edition.isReplaced = true;
    this.#unloadUnused(edition);
  }

  #unloadUnused({ number, predictors, users, isReplaced }: Edition): void {
    if (!isReplaced || users > 0) return;
    for (const computation of computations) this.#options.dispatcher.delete(predictors[computation]);
    void this.#options.pool.unload(number);
  }
}

/** Errors about files, as against those of the program. */
function isKnown(error: unknown): error is Error {
  return error instanceof BnError || error instanceof WorkerDied;
}
