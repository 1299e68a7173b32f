// Buffers of deep networks that live at the same time never share memory.

import { expect, test } from 'vitest';
import { type Buffer, buffersOf, elementsOf } from '../src/ir/nest.js';
import { allPasses, planGraph } from '../src/pipeline.js';
import { lifeOf, planMemory } from '../src/plan/memory-plan.js';
import { deepStep } from './deep-step.js';

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
