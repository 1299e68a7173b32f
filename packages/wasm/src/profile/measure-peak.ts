// What the processor can do at most by the instructions that programs use: multiply-adds that wait for nothing.

import { Code, i32, scalar, v128, vector } from '../emit/code.js';
import { encodeModule, markImport } from '../emit/module.js';
import { nestParameters } from '../emit/nest-code.js';
import type { Heap } from '../run/heap.js';
import type { Team } from '../run/team.js';

/** Sums side by side: more than a multiply-add waits for the one before it, fewer than there are registers. */
const sums = 12;
const [iterations, tasksPerThread, rounds] = [100_000, 8, 20];
const bytesPerThread = 16 * (1 + sums);

/**
 * Floating-point operations a second, of all threads together while all compute: the sum of what each does in its fastest
 * task, which other programs have not interrupted.
 */
export async function measurePeak(team: Team, heap: Heap, relaxed: boolean): Promise<number> {
  const { maximum, shared } = heap;
  const size = bytesPerThread * team.threads;
  const threadMemory = heap.allocate(size);
  heap.views.f32.fill(0, threadMemory / 4, (threadMemory + size) / 4);
  const tasks = Array.from({ length: tasksPerThread * team.threads }, (_, i) => i);
  const body = multiplyAdds(relaxed).encode();
  const handle = await team.load({
    bytes: encodeModule([{ parameters: nestParameters, body, exportName: 'peak' }], { maximum, shared }, [markImport]),
    rounds: [tasks.map((i) => ({ name: 'peak', start: i, end: i + 1 }))],
    iterations: Number.POSITIVE_INFINITY,
    timed: tasks.map(() => ({ name: 'peak', origins: [], calls: 1 })),
    ...{ threadMemory, threadBytes: bytesPerThread },
  });
  const times = handle.times!;
  const slots = times.length / team.threads;
  const least = Array.from({ length: team.threads }, () => Number.POSITIVE_INFINITY);
  for (let round = 0; round < rounds; round++) {
    await team.run(handle, () => times.fill(0));
    for (const thread of least.keys()) {
      const own = times.subarray(thread * slots + 1, (thread + 1) * slots).filter((milliseconds) => milliseconds > 0);
      least[thread] = Math.min(least[thread], ...own);
    }
  }
  await team.unload(handle);
  heap.free(threadMemory, size);
  // Four lanes, a multiplication and an addition each.
  return least.reduce((sum, milliseconds) => sum + (iterations * sums * 8) / (milliseconds / 1000), 0);
}

/** One task, whose time is added to the slot after its number. */
function multiplyAdds(relaxed: boolean): Code {
  const code = new Code(nestParameters, relaxed);
  const [task, thread] = [0, 2];
  const count = code.local(i32);
  const [a, b] = [code.local(v128), code.local(v128)] as const;
  const results = Array.from({ length: sums }, () => code.local(v128));
  code.constant(0);
  code.call(0);
  // Zeros from memory, which the engine cannot know to be zeros.
  for (const local of [a, b]) {
    code.get(thread);
    code.memory(vector.load, 0);
    code.set(local);
  }
  code.constant(iterations);
  code.set(count);
  code.countDown(count, () => {
    for (const result of results) code.multiplyAdd(a, b, result);
  });
  // What is stored has to be computed.
  results.forEach((result, i) => {
    code.get(thread);
    code.get(result);
    code.memory(vector.store, 16 * (i + 1));
  });
  code.get(task);
  code.constant(1);
  code.scalar(scalar.add);
  code.call(0);
  return code;
}
