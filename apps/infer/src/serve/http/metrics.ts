// What the server counts, for Prometheus.

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { BatchObservation } from '../batching/predictor.js';

/** What is asked for at the moment of reading. */
export interface MetricSources {
  /** Requests that wait, by model. */
  queued(): Iterable<readonly [model: string, count: number]>;
  workers(): number;
}

const durations = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30];
const sizes = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

export class Metrics {
  readonly #registry = new Registry();
  readonly #requests = this.#counter('bn_requests_total', 'Requests to models, by HTTP status.', 'status');
  readonly #duration = this.#histogram('bn_request_duration_seconds', 'From a request to its answer.', durations);
  readonly #wait = this.#histogram('bn_queue_duration_seconds', 'How long requests wait for a batch.', durations);
  readonly #run = this.#histogram('bn_run_duration_seconds', 'How long batches are computed.', durations);
  readonly #batch = this.#histogram('bn_batch_examples', 'Examples in a batch.', sizes);
  readonly #reloads = this.#counter(
    'bn_model_reloads_total',
    'Reloads of model files, by whether they succeeded.',
    'result',
  );

  constructor(sources: MetricSources) {
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    new Gauge({
      ...{ name: 'bn_queue_length', help: 'Requests that wait for a batch.', labelNames: ['model'], registers },
      collect() {
        for (const [model, count] of sources.queued()) this.set({ model }, count);
      },
    });
    new Gauge({
      ...{ name: 'bn_workers', help: 'Workers that can compute.', registers },
      collect() {
        this.set(sources.workers());
      },
    });
  }

  /** @param seconds from the request to its answer */
  observeRequest(model: string, status: number, seconds: number): void {
    this.#requests.inc({ model, status });
    this.#duration.observe({ model }, seconds);
  }

  observeBatch(model: string, { rows, waits, duration }: BatchObservation): void {
    this.#batch.observe({ model }, rows);
    this.#run.observe({ model }, duration / 1000);
    for (const wait of waits) this.#wait.observe({ model }, wait / 1000);
  }

  observeReload(model: string, succeeded: boolean): void {
    this.#reloads.inc({ model, result: succeeded ? 'success' : 'failure' });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** In Prometheus's text format. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  #counter<L extends string>(name: string, help: string, label: L): Counter<'model' | L> {
    return new Counter({ name, help, labelNames: ['model', label], registers: [this.#registry] });
  }

  #histogram(name: string, help: string, buckets: number[]): Histogram<'model'> {
    return new Histogram({ name, help, buckets, labelNames: ['model'], registers: [this.#registry] });
  }
}
