// What a backend could do at most, by its own report of a training step.

import { loadBackend } from '@bn/command-line';
import { classification, createArray, type Model, sgd, sizeOf, staticShape, trainingStepGraph } from '@bn/core';
import type { Limits } from './exchange.js';

/** Unknown for backends that do not report. */
export async function limitsOf(
  name: string,
  model: Model,
  { batchSize, threads }: { batchSize: number; threads: number },
): Promise<Omit<Limits, 'peakBytes'>> {
  const backend = await loadBackend(name, process.cwd(), { device: 'cpu', threads, profile: { skippedRuns: 0 } });
  try {
    const shape = [batchSize, ...model.input.shape.slice(1)];
    const graph = trainingStepGraph(model, classification(), sgd(), {
      features: { shape, dtype: 'uint8' },
      labels: { shape: [batchSize], dtype: 'int32' },
    });
    const executable = await backend.compile(graph);
    if (!executable.report) return { peak: null, operations: null };
    const inputs = [...graph.inputs].map(([input, { shape, dtype }]) => {
      const zeros = createArray(dtype, sizeOf(shape));
      return [input, backend.upload(zeros, { shape: staticShape(shape), dtype })] as const;
    });
    await executable.run(new Map(inputs));
    const { peak, phases } = await executable.report();
    const operations = phases.reduce((sum, phase) => sum + (phase.operations ?? 0), 0);
    return { peak: peak ?? null, operations: operations / batchSize };
  } finally {
    await backend.dispose();
  }
}
