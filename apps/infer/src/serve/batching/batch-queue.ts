// Requests to one model that wait for a batch: when one may leave, and who is in it.

export interface Entry {
  /** Examples. */
  readonly rows: number;
  /** When it came, in milliseconds. */
  readonly since: number;
}

export interface BatchLimits {
  /** Examples in a batch, at most. A single entry may have no more. */
  readonly maxBatch: number;
  /** How long an entry waits for companions while it could be computed, in milliseconds, at most. */
  readonly maxDelay: number;
}

/**
 * A batch leaves at once when it is full, and when it has as many entries as the last one had: who sends one request
 * after the other never waits, and after a batch of many the next one waits for as many, but no longer than `maxDelay`.
 */
export class BatchQueue<E extends Entry> {
  readonly #limits: BatchLimits;
  readonly #entries: E[] = [];
  #rows = 0;
  #expected = 1;

  constructor(limits: BatchLimits) {
    this.#limits = limits;
  }

  get length(): number {
    return this.#entries.length;
  }

  add(entry: E): void {
    this.#entries.push(entry);
    this.#rows += entry.rows;
  }

  /** @returns whether it was still waiting */
  delete(entry: E): boolean {
    const index = this.#entries.indexOf(entry);
    if (index < 0) return false;
    this.#entries.splice(index, 1);
    this.#rows -= entry.rows;
    return true;
  }

  /** When the next batch may leave: never later than this; `Infinity` while nothing waits. */
  readyAt(): number {
    const [oldest] = this.#entries;
    if (!oldest) return Number.POSITIVE_INFINITY;
    const { maxBatch, maxDelay } = this.#limits;
    const ready = this.#rows >= maxBatch || this.#entries.length >= this.#expected;
    return ready ? oldest.since : oldest.since + maxDelay;
  }

  /** Takes the oldest entries that fit into a batch together. */
  take(): E[] {
    let count = 0;
    let rows = 0;
    for (const entry of this.#entries) {
      if (rows + entry.rows > this.#limits.maxBatch) break;
      rows += entry.rows;
      count++;
    }
    this.#rows -= rows;
    this.#expected = Math.max(1, count);
    return this.#entries.splice(0, count);
  }
}

/**
 * The batch sizes that models are run with: 1, 2, 3, 4, 6, 8, 12, 16, 24, … up to `largest`. Many backends compile, or choose
 * algorithms, for each size that occurs: so there are few, and smaller batches are filled up, by a third at most.
 */
export function batchSizes(largest: number): number[] {
  const sizes = [];
  for (let size = 1; size < largest; size *= 2) {
    sizes.push(size);
    if (size >= 2 && size * 1.5 < largest) sizes.push(size * 1.5);
  }
  return [...sizes, largest];
}
