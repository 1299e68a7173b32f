// A training on one backend, a step at a time, with the time of each and of compiling.

import { type Backend, createTrainer, type Executable, type Graph } from '@bn/core';
import type { RunConfig } from '../config/settings.js';
import { batchesOf, type LoadedSteps } from '../load/load-steps.js';

interface Compiled {
  readonly graph: Graph;
  readonly executable: Executable;
  readonly compileSeconds: number;
}

export interface TimedTraining {
  /** What was compiled so far: after the first step, first the step's graph. */
  readonly compiled: readonly Compiled[];
  /** Seconds of the next step, from the making of its batch to the check of its loss. */
  step(): Promise<number>;
}

export async function startTraining(
  { options, train }: LoadedSteps,
  backend: Backend,
  config: RunConfig,
): Promise<TimedTraining> {
  const compiled: Compiled[] = [];
  const trainer = await createTrainer({ ...options, backend: timed(backend, compiled) });
  const batches = batchesOf(train, config);
  return {
    compiled,
    async step() {
      const start = performance.now();
      await trainer.step(batches.next().value, { learningRate: config.learningRate });
      return (performance.now() - start) / 1000;
    },
  };
}

/** The backend, which notes what is compiled. */
function timed(backend: Backend, compiled: Compiled[]): Backend {
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
