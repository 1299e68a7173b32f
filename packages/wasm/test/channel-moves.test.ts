// Networks that move channels about do not pay for it: each move is one loop.

import { type Backend, defineModel, predictionGraph, sizeOf } from '@bn/core';
import { shufflenetV2 } from '@bn/models';
import { expect, test } from 'vitest';
import { createBackend } from '../src/index.js';

test('a block of ShuffleNet shuffles its channels in one loop, and takes half of them in another', async () => {
  const shape = [1, 3, 32, 32] as const;
  const model = defineModel(shufflenetV2(), { input: { shape: [null, ...shape.slice(1)], dtype: 'float32' } });
  const backend: Backend = await createBackend({ threads: 1, profile: { skippedRuns: 0 } });
  const graph = predictionGraph(model, { shape, dtype: 'float32' });
  const executable = await backend.compile(graph);
  const inputs = new Map(
    [...graph.inputs].map(([name, spec]) => {
      return [name, backend.upload(new Float32Array(sizeOf(spec.shape as number[])).fill(1), spec)];
    }),
  );
  await executable.run(inputs);
  await executable.run(inputs);
  const { phases } = await executable.report!();
  await backend.dispose();
  const loops = (name: string) => phases.filter((phase) => phase.name.startsWith(name)).length;
  // 16 blocks, of which 13 keep the size and pass on half of their channels.
  expect(loops('transpose')).toBe(16);
  expect(loops('slice')).toBe(13);
  expect(loops('concat')).toBe(0);
});
