// What the processor can do at most by the instructions that programs use: multiply-adds that wait for nothing.

import { Code, i32, scalar, v128, vector } from '../emit/code.js';
import { encodeModule } from '../emit/module.js';
import { nestParameters } from '../emit/nest-code.js';
import type { Heap } from '../run/heap.js';
import type { Team } from '../run/team.js';

/** Sums side by side: more than a multiply-add waits for the one before it, fewer than there are registers. */
const sums = 12;
const [iterations, tasksPerThread, rounds] = [100_000, 8, 20];
const bytesPerThread = 16 * (1 + sums);

/** Floating-point operations a second, of all threads together: the most of several rounds. */
export async function measurePeak(team: Team, heap: Heap, relaxed: boolean): Promise<number> {
  const { maximum, shared } = heap;
  const size = bytesPerThread * team.threads;
  const threadMemory = heap.allocate(size);
  heap.views.f32.fill(0, threadMemory / 4, (threadMemory + size) / 4);
  const tasks = tasksPerThread * team.threads;
  const handle = await team.load({
    bytes: encodeModule([{ parameters: nestParameters, code: multiplyAdds(relaxed), exportName: 'peak' }], {
      maximum,
      shared,
    }),
    stages: [Array.from({ length: tasks }, (_, i) => ({ name: 'peak', start: i, end: i + 1 }))],
    iterations: Number.POSITIVE_INFINITY,
    ...{ threadMemory, threadBytes: bytesPerThread, timed: null },
  });
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    await team.run(handle, () => {});
    least = Math.min(least, performance.now() - start);
  }
  await team.unload(handle);
  heap.free(threadMemory, size);
  // Four lanes, a multiplication and an addition each.
  return (tasks * iterations * sums * 8) / (least / 1000);
}

function multiplyAdds(relaxed: boolean): Code {
  const code = new Code(nestParameters, relaxed);
  const thread = 2;
  const count = code.local(i32);
  const [a, b] = [code.local(v128), code.local(v128)] as const;
  const results = Array.from({ length: sums }, () => code.local(v128));
  // Zeros from memory, which the engine cannot know to be zeros.
  for (const local of [a, b]) {
    code.get(thread);
    code.memory(vector.load, 0);
    code.set(local);
  }
  code.constant(iterations);
  code.set(count);
  code.loop(() => {
    for (const result of results) code.multiplyAdd(a, b, result);
    code.get(count);
    code.constant(-1);
    code.scalar(scalar.add);
    code.tee(count);
    code.branchIf(0);
  });
  // What is stored has to be computed.
  results.forEach((result, i) => {
    code.get(thread);
    code.get(result);
    code.memory(vector.store, 16 * (i + 1));
  });
  return code;
}
