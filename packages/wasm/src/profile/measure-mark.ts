// What the clock of profiled programs takes itself.

import { Code } from '../emit/code.js';
import { encodeModule, markImport } from '../emit/module.js';
import { createClock, createTimes } from '../run/clock.js';
import type { Heap } from '../run/heap.js';

const [rounds, calls] = [20, 1000];

/** Milliseconds of one call: the shortest of several rounds, the first of which the engine is not at full speed in. */
export function measureMark({ memory, maximum, shared }: Heap): number {
  const count = 0;
  const code = new Code(1, false);
  code.countDown(count, () => {
    code.constant(0);
    code.call(0);
  });
  const bytes = encodeModule([{ parameters: 1, body: code.encode(), exportName: 'marks' }], { maximum, shared }, [
    markImport,
  ]);
  const env = { memory, mark: createClock(createTimes(1, 1, false), 0) };
  const { marks } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env }).exports as {
    marks: (count: number) => void;
  };
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    marks(calls);
    least = Math.min(least, performance.now() - start);
  }
  return least / calls;
}
