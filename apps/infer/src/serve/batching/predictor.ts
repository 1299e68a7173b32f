// One computation of one model as a lane: requests in, their share of the batches' outputs back.

import { BnError, createArray, type DType, joinArrays, type TypedArray } from '@bn/core';
import type { OutputValue } from '../../model/open-model.js';
import type { Caller } from '../caller.js';
import { HttpError, timeUp, wentAway } from '../http-error.js';
import { type RecordSpan, spanRecorder } from '../tracing.js';
import { type BatchLimits, BatchQueue, batchSizes, type Entry } from './batch-queue.js';
import type { Clock } from './clock.js';
import type { Dispatcher, Lane } from './dispatcher.js';

export type Outputs = ReadonlyMap<string, OutputValue>;

export interface PredictorOptions<W> {
  readonly clock: Clock;
  readonly dispatcher: Dispatcher<W>;
  readonly limits: QueueLimits;
  /** Of the features. */
  readonly dtype: DType;
  /** Computes a batch; its outputs have a row for each of the batch's. */
  readonly compute: (worker: W, features: TypedArray) => Promise<Outputs>;
  readonly observe: (batch: BatchObservation) => void;
}

export interface QueueLimits extends BatchLimits {
  /** Requests that wait, at most; those beyond are refused. */
  readonly maxQueue: number;
  /** How long a request may take, in milliseconds, waiting and computing. */
  readonly timeout: number;
}

export interface BatchObservation {
  /** Examples, without the filling. */
  readonly rows: number;
  /** Milliseconds that each request waited. */
  readonly waits: readonly number[];
  /** Milliseconds of computing, in all. */
  readonly duration: number;
  /** Null if not all requests got outputs. */
  readonly parts: BatchParts | null;
}

/** Milliseconds. */
export interface BatchParts {
  /** Putting the requests' features together. */
  readonly input: number;
  readonly infer: number;
  /** Taking the outputs apart. */
  readonly output: number;
}

interface Piece extends Entry {
  readonly features: TypedArray;
  readonly record: RecordSpan;
  readonly resolve: (outputs: Outputs) => void;
  readonly reject: (error: Error) => void;
}

export class Predictor<W> implements Lane<W> {
  readonly #options: PredictorOptions<W>;
  readonly #queue: BatchQueue<Piece>;
  readonly #sizes: readonly number[];

  constructor(options: PredictorOptions<W>) {
    this.#options = options;
    this.#queue = new BatchQueue(options.limits);
    this.#sizes = batchSizes(options.limits.maxBatch);
    options.dispatcher.add(this);
  }

  /** Requests that wait. */
  get queued(): number {
    return this.#queue.length;
  }

  /**
   * Outputs for `rows` examples. More than fit into a batch are computed in several.
   *
   * @param features row-major, with `rows` examples
   * @throws HttpError 503 when the queue is full, 504 when it takes too long, 413 for more examples than the queue takes
   */
  predict(features: TypedArray, rows: number, caller: Caller): Promise<Outputs> {
    const { maxBatch, maxQueue } = this.#options.limits;
    const count = Math.ceil(rows / maxBatch);
    if (count > maxQueue) {
      const most = maxBatch * maxQueue;
      throw new HttpError(413, `expected at most ${most} examples in a request, got ${rows}; send fewer`);
    }
    this.requireRoom(count);
    if (count === 1) return this.#enqueue(features, rows, caller);
    const size = features.length / rows;
    const parts = Array.from({ length: count }, (_, i) => {
      const end = Math.min(rows, (i + 1) * maxBatch);
      return this.#enqueue(features.subarray(i * maxBatch * size, end * size), end - i * maxBatch, caller);
    });
    return Promise.all(parts).then(joined);
  }

  /** @throws HttpError 503 when the queue does not take so many more batches */
  requireRoom(count: number): void {
    if (this.#queue.length + count <= this.#options.limits.maxQueue) return;
    throw new HttpError(503, 'the queue is full; try again later', { 'retry-after': '1' });
  }

  readyAt(): number {
    return this.#queue.readyAt();
  }

  async runBatch(worker: W): Promise<void> {
    const { clock, observe } = this.#options;
    const pieces = this.#queue.take();
    const start = clock.now();
    const parts = await this.#compute(worker, pieces);
    const [end, rows] = [clock.now(), rowsOf(pieces)];
    for (const { since, record } of pieces) {
      record('queue', since, start);
      record('compute', start, end, { 'bn.batch.examples': rows });
    }
    observe({ rows, waits: pieces.map(({ since }) => start - since), duration: end - start, parts });
  }

  /** @returns null if not all got their outputs */
  async #compute(worker: W, pieces: readonly Piece[]): Promise<BatchParts | null> {
    const { clock, compute, dtype } = this.#options;
    try {
      const start = clock.now();
      const size = this.#sizes.find((size) => size >= rowsOf(pieces))!;
      const features = filledUp(pieces, size, dtype);
      const begun = clock.now();
      const outputs = await compute(worker, features);
      const computed = clock.now();
      let at = 0;
      for (const piece of pieces) {
        piece.resolve(slice(outputs, at, at + piece.rows));
        at += piece.rows;
      }
      return { input: begun - start, infer: computed - begun, output: clock.now() - computed };
    } catch (error) {
      const isRefused = error instanceof BnError && error.code === 'data';
      // The others in the batch are not to blame for what one of them holds.
      if (isRefused && pieces.length > 1) for (const piece of pieces) await this.#compute(worker, [piece]);
      else for (const { reject } of pieces) reject(isRefused ? new HttpError(400, error.message) : (error as Error));
      return null;
    }
  }

  #enqueue(features: TypedArray, rows: number, caller: Caller): Promise<Outputs> {
    const { clock, dispatcher, limits } = this.#options;
    return new Promise((resolve, reject) => {
      const timer = clock.after(limits.timeout, () => giveUp(timeUp(limits.timeout)));
      const leave = () => giveUp(wentAway());
      const done = () => {
        timer.cancel();
        caller.forget(leave);
      };
      const piece: Piece = {
        features,
        rows,
        since: clock.now(),
        record: spanRecorder(),
        resolve(outputs) {
          done();
          resolve(outputs);
        },
        reject(error) {
          done();
          reject(error);
        },
      };
      const giveUp = (error: HttpError) => {
        this.#queue.delete(piece);
        piece.reject(error);
      };
      this.#queue.add(piece);
      caller.onLeave(leave);
      dispatcher.wake();
    });
  }
}

function rowsOf(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, { rows }) => sum + rows, 0);
}

/** The pieces' features one after the other, and the beginning again up to `size` rows: what else could be refused. */
function filledUp(pieces: readonly Piece[], size: number, dtype: DType): TypedArray {
  const [first] = pieces as [Piece];
  const filled = createArray(dtype, (first.features.length / first.rows) * size);
  const given = pieces.map(({ features }) => features);
  let at = fill(filled, given);
  for (; at < filled.length; at *= 2) filled.copyWithin(at, 0, at);
  return filled;
}

/** @returns how many elements the parts have, which are put one after another */
function fill(target: TypedArray, parts: readonly TypedArray[]): number {
  let at = 0;
  for (const part of parts) {
    target.set(part, at);
    at += part.length;
  }
  return at;
}

/** Rows of every output. */
function slice(outputs: Outputs, from: number, to: number): Outputs {
  const sliced = new Map<string, OutputValue>();
  for (const [name, { data, spec }] of outputs) {
    const [rows, ...rest] = spec.shape as [number, ...number[]];
    const size = data.length / rows;
    const shape = [to - from, ...rest];
    sliced.set(name, { data: data.subarray(from * size, to * size), spec: { dtype: spec.dtype, shape } });
  }
  return sliced;
}

/** One after the other, as one batch. */
function joined(parts: readonly Outputs[]): Outputs {
  const [first] = parts as [Outputs];
  const whole = [...first].map(([name, { spec }]): [string, OutputValue] => {
    const pieces = parts.map((part) => part.get(name)!);
    const rows = pieces.reduce((sum, { spec }) => sum + spec.shape[0]!, 0);
    const data = joinArrays(pieces.map((piece) => piece.data));
    return [name, { data, spec: { ...spec, shape: [rows, ...spec.shape.slice(1)] } }];
  });
  return new Map(whole);
}
