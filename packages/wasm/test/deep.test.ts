// Deep networks: no recursion as deep as they are, and buffers that live at the same time never share memory.

import {
  batchNorm,
  classification,
  defineModel,
  dense,
  flatten,
  type Layer,
  sequential,
  sgd,
  trainingStepGraph,
} from '@bn/core';
import { expect, test } from 'vitest';
import { compile } from '../src/compile.js';
import { type Buffer, buffersOf, elementsOf } from '../src/ir/nest.js';
import { allPasses, planGraph } from '../src/pipeline.js';
import { lifeOf, planMemory } from '../src/plan/memory-plan.js';

/** @param pairs of a dense layer and batch normalization, one after the other */
function deepStep(pairs: number) {
  const layers: Record<string, Layer> = { flatten: flatten() };
  for (let i = 0; i < pairs; i++) Object.assign(layers, { [`dense${i}`]: dense(4 + (i % 3)), [`bn${i}`]: batchNorm() });
  const model = defineModel(sequential({ ...layers, out: dense(3) }), {
    input: { shape: [null, 4], dtype: 'float32' },
  });
  const features = { shape: [10, 4], dtype: 'float32' } as const;
  return trainingStepGraph(model, classification(), sgd(), { features, labels: { shape: [10], dtype: 'int32' } });
}

test('more buffers than are placed one by one do not share memory while they live', () => {
  const { steps } = planGraph(deepStep(150), 10, allPasses);
  const { fixed, fixedBytes } = planMemory(steps, lifeOf);
  expect(fixed.size).toBeGreaterThan(1500);
  const lives = new Map<Buffer, { first: number; last: number }>();
  steps.forEach(({ nests }, step) => {
    for (const buffer of nests.flatMap((nest) => [...buffersOf(nest)])) {
      lives.set(buffer, { first: lives.get(buffer)?.first ?? step, last: step });
    }
  });
  const placed = [...fixed].map(([buffer, from]) => ({
    ...lives.get(buffer)!,
    from,
    to: from + 4 * elementsOf(buffer),
  }));
  const clashes = placed.filter((a, i) =>
    placed.some((b, j) => j < i && a.from < b.to && b.from < a.to && a.first <= b.last && b.first <= a.last),
  );
  expect(clashes).toEqual([]);
  expect(Math.max(...placed.map(({ to }) => to))).toBeLessThanOrEqual(fixedBytes);
  // Never more than half as much again as all that lives at one time.
  const live = steps.map((_, step) =>
    placed.reduce((sum, { first, last, from, to }) => (first <= step && step <= last ? sum + to - from + 64 : sum), 0),
  );
  expect(fixedBytes).toBeLessThan(1.5 * Math.max(...live));
});

test('1,500 layers with batch normalization between them compile', { timeout: 120_000 }, () => {
  let end = 1024;
  const program = compile(deepStep(750), 10, {
    ...{ relaxed: false, threads: 1, passes: allPasses, countsRows: false, profile: false },
    memory: { maximum: 65_536, shared: false },
    reserve: (_, bytes) => {
      end += bytes;
      return end - bytes;
    },
  });
  expect(program.outputs.length).toBeGreaterThan(4 * 750);
});
