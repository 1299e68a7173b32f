// What the server's workers can be asked.

import type { TypedArray } from '@bn/core';
import type { InferenceModel, OutputValue } from '../../model/open-model.js';

/** An ONNX file as it was read. */
interface ModelSource {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** What a model computes: all its outputs, or what its signature says that it gives, of logits the probabilities. */
export type Computation = 'outputs' | 'answer';

export interface LoadOptions {
  readonly source: ModelSource;
  /** The batch sizes that it will be run with. */
  readonly sizes: readonly number[];
}

/** What a worker tells of a model that it has loaded. */
export interface ModelDescription
  extends Pick<InferenceModel, 'input' | 'outputs' | 'signature' | 'assumptions' | 'metadata'> {
  /** What computes, in words. */
  readonly backend: string;
  /** Milliseconds that the slowest batch took when it was loaded. */
  readonly slowest: number;
}

/** The tasks by name, with what each takes and answers. Models are numbered, because one name has two models while it reloads. */
export interface Tasks {
  /** Loads a model, and runs it once with each batch size, so that no request waits for compiling. */
  load(argument: { model: number } & LoadOptions): ModelDescription;
  unload(argument: { model: number }): void;
  /** Runs a model with one example: whether the backend still computes. */
  probe(argument: { model: number }): void;
  /** The features of a batch, whose memory the worker takes over. */
  run(argument: { model: number; computation: Computation; features: TypedArray }): Map<string, OutputValue>;
}
