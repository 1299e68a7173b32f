// What a worker does: sleep until there is a program to run, or a message to read.

import type { Mark } from './clock.js';
import type { Member, Work } from './member.js';

/** Messages to a worker. The first is `start`; each is answered by `ready`. */
export type ToWorker =
  | {
      readonly type: 'start';
      readonly memory: WebAssembly.Memory;
      readonly threads: number;
      /** Milliseconds after which other threads that have not come to a meeting are given up. */
      readonly limit: number;
      /** Whether the end of every program is answered too, by `done`: for a caller that takes no part in it. */
      readonly answers: boolean;
    }
  | {
      readonly type: 'load';
      readonly id: number;
      readonly module: WebAssembly.Module;
      readonly rounds: Work['rounds'];
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
  createMember: (memory: WebAssembly.Memory, threads: number, limit: number) => Member,
  createClock: (times: Float64Array<ArrayBufferLike>, first: number) => Mark,
  receive: (handle: (message: ToWorker) => void) => void,
  answer: (answer: FromWorker) => void,
): void {
  const [run, command, listen] = [256, 257, -1];
  const programs = new Map<number, Work>();
  let memory: WebAssembly.Memory;
  let words: Int32Array;
  let member: Member;
  let answers = false;
  let seen = 0;
  receive((message) => {
    if (message.type === 'start') {
      memory = message.memory;
      answers = message.answers;
      words = new Int32Array(memory.buffer);
      member = createMember(memory, message.threads, message.limit);
      seen = Atomics.load(words, run);
    } else if (message.type === 'load') {
      const env: WebAssembly.ModuleImports = { memory };
      if (message.clock) env.mark = createClock(message.clock.times, message.clock.first);
      const instance = new WebAssembly.Instance(message.module, { env });
      const exports = instance.exports as unknown as Work['exports'];
      programs.set(message.id, { rounds: message.rounds, threadMemory: message.threadMemory, exports });
    } else programs.delete(message.id);
    answer('ready');
    for (;;) {
      Atomics.wait(words, run, seen);
      seen = Atomics.load(words, run);
      const wanted = Atomics.load(words, command);
      if (wanted === listen) return;
      try {
        if (member.run(programs.get(wanted)!) && answers) answer('done');
      } catch (error) {
        answer(String(error));
      }
    }
  });
}
