// What has been computed with one version of a model, as Triton's statistics extension has it.

import type { BatchObservation } from '../batching/predictor.js';
import type { ModelStatistics } from '../protocol/schemas.js';
import type { Models } from './served-model.js';

type Duration = ModelStatistics['inference_stats']['success'];

/** Bringing data to the device and back is a part of `compute_infer`; the rest is done in the server's own thread. */
type Computation = Pick<ModelStatistics['inference_stats'], 'compute_input' | 'compute_infer' | 'compute_output'>;

const none: Duration = { count: 0, ns: 0 };
const computation = (): Computation => ({
  ...{ compute_input: { ...none }, compute_infer: { ...none }, compute_output: { ...none } },
});

export class Statistics {
  readonly #about: { readonly name: string; readonly version: string };
  readonly #success: Duration = { count: 0, ns: 0 };
  readonly #fail: Duration = { count: 0, ns: 0 };
  readonly #queue: Duration = { count: 0, ns: 0 };
  readonly #compute: Computation = computation();
  /** By the number of examples in the batch. */
  readonly #batches = new Map<number, Computation>();
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

  observeBatch({ rows, waits, parts }: BatchObservation): void {
    for (const wait of waits) add(this.#queue, 1, wait);
    if (!parts) return;
    const batches = this.#batches.get(rows) ?? computation();
    this.#batches.set(rows, batches);
    for (const part of ['input', 'infer', 'output'] as const) {
      // Each request has waited for the whole batch.
      add(this.#compute[`compute_${part}`], waits.length, waits.length * parts[part]);
      add(batches[`compute_${part}`], 1, parts[part]);
    }
  }

  report(): ModelStatistics {
    const batches = [...this.#batches].sort(([a], [b]) => a - b);
    return {
      ...{ ...this.#about, last_inference: this.#last, inference_count: this.#examples },
      execution_count: batches.reduce((sum, [, { compute_infer }]) => sum + compute_infer.count, 0),
      inference_stats: {
        ...{ success: this.#success, fail: this.#fail, queue: this.#queue, ...this.#compute },
        ...{ cache_hit: none, cache_miss: none },
      },
      batch_stats: batches.map(([batch_size, durations]) => ({ batch_size, ...durations })),
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
