// A training on one backend, a step at a time, with the wall time of each.

import { type Backend, createTrainer, type Dataset, type Executable, type Graph } from '@bn/core';
import type { RunConfig } from '../config/settings.js';
import type { FittedModel } from '../load/fit-model.js';
import { batchesOf } from '../load/load-training.js';
import { optimizerOf } from '../run/learning-rule.js';

/** The step's graph. */
export interface Compiled {
  readonly graph: Graph;
  readonly executable: Executable;
  readonly compileSeconds: number;
}

export interface Training {
  /** Seconds of the next step, from the making of its batch to the check of its loss. */
  step(): Promise<number>;
  /** After the first step. */
  compiled(): Compiled;
}

export async function startTraining(
  { model, objective }: FittedModel,
  dataset: Dataset,
  backend: Backend,
  config: RunConfig,
): Promise<Training> {
  const compiled: Compiled[] = [];
  const { seed, learningRate } = config;
  const options = { model, objective, optimizer: optimizerOf(config), seed };
  const trainer = await createTrainer({ ...options, backend: noting(backend, compiled) });
  const batches = batchesOf(dataset, config);
  return {
    async step() {
      const start = performance.now();
      await trainer.step(batches.next().value, { learningRate });
      return (performance.now() - start) / 1000;
    },
    compiled: () => compiled[0]!,
  };
}

/** The backend, to be used in its place: notes what is compiled, and how long that takes. */
function noting(backend: Backend, compiled: Compiled[]): Backend {
  return {
    name: backend.name,
    device: backend.device,
    ...(backend.engine !== undefined && { engine: backend.engine }),
    get liveValues() {
      return backend.liveValues;
    },
    async compile(graph) {
      const start = performance.now();
      const executable = await backend.compile(graph);
      compiled.push({ graph, executable, compileSeconds: (performance.now() - start) / 1000 });
      return executable;
    },
    upload: (data, spec) => backend.upload(data, spec),
    download: (value) => backend.download(value),
    release: (value) => backend.release(value),
    dispose: () => backend.dispose(),
  };
}
