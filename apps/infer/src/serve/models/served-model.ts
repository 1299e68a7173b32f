// A model as it is served: what it is, and its computations.

import type { TypedArray } from '@bn/core';
import type { BatchLimits } from '../batching/batch-queue.js';
import type { Outputs } from '../batching/predictor.js';
import type { Caller } from '../caller.js';
import type { RepositoryIndex } from '../protocol/schemas.js';
import type { Computation, ModelDescription } from '../workers/messages.js';
import type { Statistics } from './statistics.js';

export interface ServedModel extends ModelDescription {
  readonly name: string;
  /** Counts how often it has been loaded since the server began. */
  readonly version: string;
  readonly limits: BatchLimits;
  readonly statistics: Statistics;
  /** @throws HttpError 503 when its queue is full, before an image is decoded in vain */
  requireRoom(computation: Computation): void;
  /**
   * @param features row-major, with `rows` examples
   * @throws HttpError, as `Predictor.predict` does
   */
  predict(computation: Computation, features: TypedArray, rows: number, caller: Caller): Promise<Outputs>;
}

/** The models that requests can name. */
export interface Models {
  /** Those that are loaded. */
  readonly names: readonly string[];
  /** All, also those that are not loaded. */
  readonly index: RepositoryIndex;
  /**
   * Keeps the model, as it is now, until the task is done, though it be replaced meanwhile.
   *
   * @throws HttpError 404 if there is no such model
   */
  use<T>(name: string, task: (model: ServedModel) => T | Promise<T>): Promise<T>;
  /**
   * Loads a model, or loads it again if its file has changed.
   *
   * @throws HttpError 403 if requests may not, 404 if there is no such model, 400 for a file that cannot be loaded
   */
  load(name: string): Promise<void>;
  /**
   * Requests that use the model are answered.
   *
   * @throws HttpError 403 if requests may not, 404 if it is not loaded
   */
  unload(name: string): Promise<void>;
}
