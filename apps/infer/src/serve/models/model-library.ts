// The models of the server: loads their files into the workers, and replaces them while they are in use.

import { parse } from 'node:path';
import { readModelFile, UsageError } from '@bn/command-line';
import { BnError, describeSignature } from '@bn/core';
import type { Logger } from 'pino';
import { HttpError } from '../http-error.js';
import type { RepositoryIndex } from '../protocol/schemas.js';
import { WorkerDied } from '../workers/worker-thread.js';
import { Edition, type EditionOptions } from './edition.js';
import type { Models, ServedModel } from './served-model.js';

export interface ModelLibraryOptions extends EditionOptions {
  readonly log: Logger;
  /** Whether requests may load and unload models. */
  readonly isControlled: boolean;
}

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
    return this.#editions.get(name)!.queued;
  }

  use<T>(name: string, task: (model: ServedModel) => T | Promise<T>): Promise<T> {
    return this.#loaded(name).use(task);
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
      this.#loaded(name).retire();
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
      old?.retire();
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
    const version = 1 + (this.#versions.get(name) ?? 0);
    const content = { name, version, number: this.#nextNumber++, path: this.files.get(name)!, bytes };
    const edition = await Edition.load(this.#options, content);
    this.#versions.set(name, version);
    return edition;
  }
}

/** Errors about files, as against those of the program. */
function isKnown(error: unknown): error is Error {
  return error instanceof BnError || error instanceof WorkerDied;
}
