// A model as it is served: what it is, and its computations.

import type { TypedArray } from '@bn/core';
import type { Outputs } from '../batching/predictor.js';
import type { Computation, ModelDescription } from '../workers/messages.js';

export interface ServedModel extends ModelDescription {
  readonly name: string;
  /** Counts the contents that its file has had since the server began. */
  readonly version: string;
  /** @throws HttpError 503 when its queue is full, before an image is decoded in vain */
  requireRoom(computation: Computation): void;
  /**
   * @param features row-major, with `rows` examples
   * @param signal aborted when nobody waits for the answer any more
   * @throws HttpError, as `Predictor.predict` does
   */
  predict(computation: Computation, features: TypedArray, rows: number, signal: AbortSignal): Promise<Outputs>;
}

/** The models that requests can name. */
export interface Models {
  readonly names: readonly string[];
  /**
   * Keeps the model, as it is now, until the task is done, though it be replaced meanwhile.
   *
   * @throws HttpError 404 if there is no such model
   */
  use<T>(name: string, task: (model: ServedModel) => T | Promise<T>): Promise<T>;
}
