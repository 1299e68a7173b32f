// A training on one backend, a step at a time, with the wall time of each.

import {
  assembleBatch,
  type Backend,
  type Batch,
  createTrainer,
  type Dataset,
  epochOrder,
  type Trainer,
} from '@bn/core';
import type { RunConfig } from '../config/settings.js';
import type { FittedModel } from '../load/fit-model.js';
import { optimizerOf } from '../run/learning-rule.js';
import { type Compiled, timeBackend } from './timed-backend.js';

export class Training {
  readonly #trainer: Trainer;
  readonly #batches: Iterator<Batch, never>;
  readonly #compiled: readonly Compiled[];
  readonly #learningRate: number;

  private constructor(
    trainer: Trainer,
    batches: Iterator<Batch, never>,
    compiled: readonly Compiled[],
    learningRate: number,
  ) {
    this.#trainer = trainer;
    this.#batches = batches;
    this.#compiled = compiled;
    this.#learningRate = learningRate;
  }

  static async start(fitted: FittedModel, dataset: Dataset, backend: Backend, config: RunConfig): Promise<Training> {
    const timed = timeBackend(backend);
    const { model, objective } = fitted;
    const [optimizer, { seed }] = [optimizerOf(config), config];
    const trainer = await createTrainer({ model, backend: timed.backend, objective, optimizer, seed });
    return new Training(trainer, batchesOf(dataset, config), timed.compiled, config.learningRate);
  }

  /** Seconds of the next step, from the making of its batch to the check of its loss. */
  async step(): Promise<number> {
    const start = performance.now();
    await this.#trainer.step(this.#batches.next().value, { learningRate: this.#learningRate });
    return (performance.now() - start) / 1000;
  }

  /** The step's graph, after the first step. */
  get compiled(): Compiled {
    return this.#compiled[0]!;
  }
}

/** The batches that `train` has, but for a smaller last one of an epoch. */
function* batchesOf(dataset: Dataset, { batchSize, seed }: RunConfig): Generator<Batch, never> {
  const size = Math.min(batchSize, dataset.length);
  for (let epoch = 0; ; epoch++) {
    const order = epochOrder(dataset.length, seed, epoch);
    for (let start = 0; start + size <= order.length; start += size) {
      yield assembleBatch(dataset, order.subarray(start, start + size));
    }
  }
}
