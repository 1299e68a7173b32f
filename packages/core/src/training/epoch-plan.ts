// Which examples each run of a training takes: batches of an epoch, one or several at a time.

import type { Order } from './batch-supply.js';

export class EpochPlan {
  readonly #ranges: readonly (readonly [start: number, end: number])[];
  readonly #options: EpochPlanOptions;
  /** Of this epoch and the next, whose first batch is loaded at the end of this one. */
  readonly #orders = new Map<number, Int32Array>();

  /** @param ranges start and end of each batch in the order of an epoch */
  constructor(ranges: readonly (readonly [start: number, end: number])[], options: EpochPlanOptions) {
    this.#ranges = ranges;
    this.#options = options;
  }

  get stepsPerEpoch(): number {
    return this.#ranges.length;
  }

  /** Sizes of batches that occur. */
  get sizes(): ReadonlySet<number> {
    return new Set(this.#ranges.map(([start, end]) => end - start));
  }

  /** What one run takes from there on; null after the last epoch. */
  at(epoch: number, step: number): Order | null {
    const { epochs, batchSize, stepsPerRun } = this.#options;
    if (step === this.stepsPerEpoch) return epoch + 1 < epochs ? this.at(epoch + 1, 0) : null;
    const next = this.#ranges.slice(step, step + stepsPerRun);
    const isWhole = next.length === stepsPerRun && next.every(([start, end]) => end - start === batchSize);
    const order = this.#orderOf(epoch);
    return { epoch, step, batches: next.slice(0, isWhole ? stepsPerRun : 1).map((range) => order.subarray(...range)) };
  }

  #orderOf(epoch: number): Int32Array {
    const order = this.#orders.get(epoch) ?? this.#options.orderOf(epoch);
    for (const past of this.#orders.keys()) if (past < epoch - 1) this.#orders.delete(past);
    this.#orders.set(epoch, order);
    return order;
  }
}

export interface EpochPlanOptions {
  readonly epochs: number;
  readonly batchSize: number;
  /** Steps of whole batches that are one run. */
  readonly stepsPerRun: number;
  /** The examples of an epoch, counted from 0. */
  readonly orderOf: (epoch: number) => Int32Array;
}
