// Batches of data that is not in memory, each loaded while the one before is computed.

import type { Dataset } from '../dataset.js';
import { type Batch, loadBatch } from './batches.js';

/** What is taken together: the examples of one batch, or of several for one run. */
export interface Order {
  /** From 0; null outside training. */
  readonly epoch: number | null;
  /** Within the epoch, of the first batch. */
  readonly step: number;
  readonly batches: readonly ArrayLike<number>[];
}

export class BatchSupply {
  readonly #dataset: Dataset;
  readonly #seed: number;
  #ahead: { readonly order: Order; readonly batches: Promise<Batch[]> } | null = null;

  constructor(dataset: Dataset, seed: number) {
    this.#dataset = dataset;
    this.#seed = seed;
  }

  /** Begins to load what will be taken next, if it is not in memory. */
  prepare(order: Order | null): void {
    this.#ahead = order && this.#dataset.load ? { order, batches: this.#load(order) } : null;
    // Told by whoever takes it.
    this.#ahead?.batches.catch(() => {});
  }

  /** Without a promise where the data is in memory: nothing is waited for then. */
  take(order: Order): Batch[] | Promise<Batch[]> {
    const ahead = this.#ahead;
    this.#ahead = null;
    if (ahead && ahead.order.epoch === order.epoch && ahead.order.step === order.step) return ahead.batches;
    return this.#dataset.load ? this.#load(order) : (order.batches.map((each) => this.#one(each, order)) as Batch[]);
  }

  #load(order: Order): Promise<Batch[]> {
    return Promise.all(order.batches.map((each) => this.#one(each, order)));
  }

  #one(indices: ArrayLike<number>, { epoch }: Order): Batch | Promise<Batch> {
    return loadBatch(this.#dataset, indices, { seed: this.#seed, epoch });
  }
}

/** The batches one by one, the next being loaded while one is used. */
export async function* batchesAhead(
  dataset: Dataset,
  seed: number,
  all: readonly ArrayLike<number>[],
): AsyncGenerator<Batch, void> {
  const supply = new BatchSupply(dataset, seed);
  const orderAt = (step: number): Order | null => (all[step] ? { epoch: null, step, batches: [all[step]] } : null);
  for (let step = 0; step < all.length; step++) {
    const [batch] = await supply.take(orderAt(step)!);
    supply.prepare(orderAt(step + 1));
    yield batch!;
  }
}
