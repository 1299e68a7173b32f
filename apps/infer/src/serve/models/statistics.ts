// What has been computed with one version of a model, as Triton's statistics extension has it.

import type { BatchObservation } from '../batching/predictor.js';
import type { ModelStatistics } from '../protocol/schemas.js';
import type { Models } from './served-model.js';

type Duration = ModelStatistics['inference_stats']['success'];

export class Statistics {
  readonly #about: { readonly name: string; readonly version: string };
  readonly #success: Duration = { count: 0, ns: 0 };
  readonly #fail: Duration = { count: 0, ns: 0 };
  readonly #queue: Duration = { count: 0, ns: 0 };
  readonly #compute: Duration = { count: 0, ns: 0 };
  /** By the number of examples in the batch. */
  readonly #batches = new Map<number, Duration>();
  #examples = 0;
  #last = 0;

  constructor(name: string, version: string) {
    this.#about = { name, version };
  }

  /** Counts a request to the model. */
  async observeRequest<T>(examples: number, work: () => Promise<T>): Promise<T> {
    const start = performance.now();
    const end = (sum: Duration) => add(sum, 1, performance.now() - start);
    this.#last = Date.now();
    try {
      const result = await work();
      end(this.#success);
      this.#examples += examples;
      return result;
    } catch (error) {
      end(this.#fail);
      throw error;
    }
  }

  observeBatch({ rows, waits, duration, isComputed }: BatchObservation): void {
    for (const wait of waits) add(this.#queue, 1, wait);
    if (!isComputed) return;
    // Each request has waited for the whole batch.
    add(this.#compute, waits.length, waits.length * duration);
    const batches = this.#batches.get(rows) ?? { count: 0, ns: 0 };
    this.#batches.set(rows, batches);
    add(batches, 1, duration);
  }

  report(): ModelStatistics {
    // What the worker takes to bring data to the device and back is not measured apart: it is in `compute_infer`.
    const none = { count: 0, ns: 0 };
    const batches = [...this.#batches].sort(([a], [b]) => a - b);
    return {
      ...{ ...this.#about, last_inference: this.#last, inference_count: this.#examples },
      execution_count: batches.reduce((sum, [, { count }]) => sum + count, 0),
      inference_stats: {
        ...{ success: { ...this.#success }, fail: { ...this.#fail }, queue: { ...this.#queue } },
        ...{ compute_input: none, compute_infer: { ...this.#compute }, compute_output: none, cache_hit: none },
        cache_miss: none,
      },
      batch_stats: batches.map(([batch_size, duration]) => ({
        ...{ batch_size, compute_input: none, compute_infer: { ...duration }, compute_output: none },
      })),
    };
  }
}

function add(sum: Duration, count: number, milliseconds: number): void {
  sum.count += count;
  sum.ns += Math.round(milliseconds * 1e6);
}

/** Of all models that are loaded. */
export async function allStatistics(models: Models): Promise<{ model_stats: ModelStatistics[] }> {
  const reports = models.names.map((name) => models.use(name, ({ statistics }) => statistics.report()));
  return { model_stats: await Promise.all(reports) };
}
