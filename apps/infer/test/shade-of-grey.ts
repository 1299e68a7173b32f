// A model that needs no backend, and what serves it.

import { createBudgets } from '../src/serve/http/budget.js';
import type { AppOptions } from '../src/serve/http/create-app.js';
import { Metrics } from '../src/serve/http/metrics.js';
import { HttpError } from '../src/serve/http-error.js';
import { createLog } from '../src/serve/log.js';
import type { Models, ServedModel } from '../src/serve/models/served-model.js';
import { Statistics } from '../src/serve/models/statistics.js';

/** Two classes: the first pixel as a share of 255, and the rest. */
export const model: ServedModel = {
  ...{ name: 'shade of grey', version: '7' },
  input: { name: 'x', spec: { dtype: 'uint8', shape: [null, 1, 2, 2] } },
  outputs: new Map([['probabilities', { dtype: 'float32', shape: [null, 2] }]]),
  signature: {
    input: {
      ...{ name: 'x', dtype: 'uint8', shape: [1, 2, 2] },
      image: { channels: 1, height: 2, width: 2, order: 'CHW', range: [0, 255], mean: [], deviation: [] },
    },
    output: { name: 'probabilities', kind: 'probabilities', size: 2, names: ['light', 'dark'] },
  },
  ...{ assumptions: [], metadata: {}, backend: 'a backend', slowest: 1 },
  ...{ limits: { maxBatch: 8, maxDelay: 2 }, statistics: new Statistics('shade of grey', '7') },
  requireRoom() {},
  async predict(computation, features, rows) {
    const lights = Array.from({ length: rows }, (_, row) => features[row * 4]! / 255);
    const data = Float32Array.from(lights.flatMap((light) => [light, 1 - light]));
    return new Map([
      [computation === 'answer' ? 'answer' : 'probabilities', { data, spec: { dtype: 'float32', shape: [rows, 2] } }],
    ]);
  },
};

export type Overrides = Partial<AppOptions> & { readonly served?: readonly ServedModel[] };

/** @param log takes the lines of the log */
export function appOptions({ served = [model], ...overrides }: Overrides, log: (line: string) => void): AppOptions {
  const models: Models = {
    names: served.map(({ name }) => name),
    async use(name, task) {
      const found = served.find((model) => model.name === name);
      if (!found) throw new HttpError(404, `there is no model '${name}'`);
      return task(found);
    },
    index: [],
    ...{ load: async () => {}, unload: async () => {} },
  };
  const { maxBody = 10_000 } = overrides;
  return {
    ...{ models, log: createLog('info', { write: log }), accessLog: false, apiKey: null, maxBody, timeout: 1000 },
    budgets: createBudgets(maxBody),
    ...{ allowOrigin: [], hosts: ['localhost'] },
    ...{ isReady: () => true, isLive: () => true, isDraining: () => false },
    metrics: new Metrics({ queued: () => [], workers: () => 1 }),
    ...overrides,
  };
}
