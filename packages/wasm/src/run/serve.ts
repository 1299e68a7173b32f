// What a worker does: sleep until there is a program to run, or a message to read.

import type { Mark } from './clock.js';
import type { Member, Work } from './member.js';

/** Messages to a worker. The first is `start`; each is answered by `ready`. */
export type ToWorker =
  | {
      readonly type: 'start';
      readonly memory: WebAssembly.Memory;
      /** Its number among the workers. */
      readonly index: number;
      /** Milliseconds after which tasks of other threads are given up. */
      readonly limit: number;
      /** Whether who does the last task of a run answers `done`: for a caller that takes no part in it. */
      readonly answers: boolean;
    }
  | {
      readonly type: 'load';
      readonly id: number;
      readonly module: WebAssembly.Module;
      readonly tasks: Work['tasks'];
      readonly ends: Work['ends'];
      readonly threadMemory: number;
      /** For programs that are timed: all times, and where this thread's begin. */
      readonly clock: { readonly times: Float64Array<ArrayBufferLike>; readonly first: number } | null;
    }
  | { readonly type: 'unload'; readonly id: number };

/** Answers of a worker; any other text is what went wrong. */
export type FromWorker = 'ready' | 'done' | (string & {});

/**
 * Serves a team. While a worker sleeps or computes it receives no messages: the command to listen comes before them.
 * Refers to nothing outside itself, like `createMember`, since its text is what workers run.
 */
export function serve(
  createMember: (memory: WebAssembly.Memory, limit: number) => Member,
  createClock: (times: Float64Array<ArrayBufferLike>, first: number) => Mark,
  receive: (handle: (message: ToWorker) => void) => void,
  answer: (answer: FromWorker) => void,
): void {
  const [newest, blocks, count, size, places, listen] = [256, 272, 64, 32, 2320, -1];
  const programs = new Map<number, Work>();
  let memory: WebAssembly.Memory;
  let words: Int32Array;
  let member: Member;
  let answers = false;
  let place = 0;
  let run = 0;
  receive((message) => {
    if (message.type === 'start') {
      memory = message.memory;
      answers = message.answers;
      words = new Int32Array(memory.buffer);
      member = createMember(memory, message.limit);
      place = places + size * message.index;
      run = Atomics.load(words, newest);
    } else if (message.type === 'load') {
      const env: WebAssembly.ModuleImports = { memory };
      if (message.clock) env.mark = createClock(message.clock.times, message.clock.first);
      const instance = new WebAssembly.Instance(message.module, { env });
      const exports = instance.exports as unknown as Work['exports'];
      const { tasks, ends, threadMemory } = message;
      programs.set(message.id, { tasks, ends, threadMemory, exports });
    } else programs.delete(message.id);
    answer('ready');
    for (;;) {
      Atomics.wait(words, newest, run);
      // Runs that are over by now are passed by. In the newest once it has been said, its words are its own.
      do {
        run = Atomics.load(words, newest);
        Atomics.store(words, place, run);
      } while (Atomics.load(words, newest) !== run);
      const program = Atomics.load(words, blocks + size * (run & (count - 1)));
      try {
        if (program !== listen && member.help(programs.get(program)!, run) && answers) answer('done');
      } catch (error) {
        answer(String(error));
      }
      Atomics.store(words, place, 0);
      if (program === listen) return;
    }
  });
}
