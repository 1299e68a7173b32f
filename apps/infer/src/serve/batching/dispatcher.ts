// Brings waiting requests and idle workers together.

import type { Clock } from './clock.js';

/** A queue in front of the workers. */
export interface Lane<W> {
  /** When its next batch may leave, in the clock's milliseconds; `Infinity` while nothing waits. */
  readyAt(): number;
  /** Takes a batch and computes it. Never rejects. */
  runBatch(worker: W): Promise<void>;
}

/** Where workers come from. */
export interface Workers<W> {
  /** An idle worker, busy from now on; undefined while all are. */
  acquire(): W | undefined;
  release(worker: W): void;
}

/** Of the lanes that may send a batch, the one whose oldest request came first is next. */
export class Dispatcher<W> {
  readonly #workers: Workers<W>;
  readonly #clock: Clock;
  readonly #lanes = new Set<Lane<W>>();
  #isScheduled = false;
  #timer: { cancel(): void } | null = null;

  constructor(workers: Workers<W>, clock: Clock) {
    this.#workers = workers;
    this.#clock = clock;
  }

  add(lane: Lane<W>): void {
    this.#lanes.add(lane);
  }

  delete(lane: Lane<W>): void {
    this.#lanes.delete(lane);
  }

  /** To be called when a request came, or a worker got idle. */
  wake(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#clock.soon(() => {
      this.#isScheduled = false;
      this.#dispatch();
    });
  }

  #dispatch(): void {
    this.#timer?.cancel();
    this.#timer = null;
    for (;;) {
      const [lane, readyAt] = this.#next();
      if (!lane) return;
      const wait = readyAt - this.#clock.now();
      if (wait > 0) {
        this.#timer = this.#clock.after(wait, () => this.#dispatch());
        return;
      }
      const worker = this.#workers.acquire();
      if (worker === undefined) return;
      void lane.runBatch(worker).then(() => {
        this.#workers.release(worker);
        this.wake();
      });
    }
  }

  #next(): [Lane<W> | undefined, number] {
    let first: Lane<W> | undefined;
    let firstAt = Number.POSITIVE_INFINITY;
    for (const lane of this.#lanes) {
      const readyAt = lane.readyAt();
      if (readyAt < firstAt) [first, firstAt] = [lane, readyAt];
    }
    return [first, firstAt];
  }
}
