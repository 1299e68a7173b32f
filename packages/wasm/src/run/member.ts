// One thread of a team: takes tasks of a run, one after the other, as soon as what they need is done.

/** What a thread needs of a program. */
export interface Work {
  /** In the order in which they are taken. */
  readonly tasks: readonly { readonly name: string; readonly start: number; readonly end: number }[];
  /** For each round the number of tasks up to its end: its tasks wait until all before them are done. */
  readonly ends: readonly number[];
  /** Memory of this thread alone. */
  readonly threadMemory: number;
  readonly exports: Readonly<Record<string, (start: number, end: number, threadMemory: number) => void>>;
}

export interface Member {
  /**
   * Computes tasks of a run together with the other threads, until all are taken. Throws what the program throws.
   *
   * @param run its number
   * @returns whether this thread has done the last one
   */
  help(work: Work, run: number): boolean;
  /** Waits until all tasks are done; gives false if a thread has failed, or has not done its task within the time limit. */
  wait(work: Work, run: number): boolean;
}

/**
 * Words of the control block, which stands at this address, where no program's memory is: what is there when a thread
 * starts is enough to see it, however memory grows. Each run has a block of words among `blocks`, `size` apart: the number
 * of its program, of tasks taken, and of tasks done; others watch the last, which has a cache line of its own. A worker says
 * in a word among `places` which run it is in: a block is used again when nobody is in its last run any more.
 */
export const control = {
  address: 1024,
  run: 0,
  failed: 1,
  blocks: 16,
  count: 64,
  size: 32,
  taken: 1,
  done: 16,
  places: 2064,
} as const;
/** In place of a program's number: workers are to read messages. */
export const listen = -1;

/**
 * Makes a member. The text of this function is also what workers run: it refers to nothing outside itself, and has no
 * syntax that compilers to older JavaScript replace by helpers.
 *
 * Nobody waits for a thread, only for tasks: one that the operating system lets wait, because other programs compute too,
 * holds the others up only if it has a task. Whoever does the last task of a round goes on with the next; the others watch
 * the number of tasks that are done: for a short while in a loop, then asleep.
 *
 * @param limit milliseconds after which tasks of others are given up
 */
export function createMember(memory: WebAssembly.Memory, limit: number): Member {
  const [failed, blocks, count, size, takenWord, doneWord] = [257, 272, 64, 32, 1, 16];
  const [spins, patience] = [1000, 0.25];
  const words = new Int32Array(memory.buffer);

  return {
    help({ tasks, ends, exports, threadMemory }, run) {
      const block = blocks + size * (run & (count - 1));
      const [taken, done] = [block + takenWord, block + doneWord];
      let round = 0;
      for (;;) {
        const next = Atomics.load(words, taken);
        while (round < ends.length && next >= ends[round]) round++;
        if (round === ends.length) return false;
        if (!until(done, round === 0 ? 0 : ends[round - 1])) return false;
        if (Atomics.compareExchange(words, taken, next, next + 1) !== next) continue;
        const task = tasks[next];
        try {
          exports[task.name](task.start, task.end, threadMemory);
        } catch (error) {
          fail(done);
          throw error;
        }
        if (Atomics.add(words, done, 1) + 1 < ends[round]) continue;
        const isLast = round + 1 === ends.length;
        // A single task is for this thread: the others go on sleeping.
        if (isLast || ends[round + 1] > ends[round] + 1) Atomics.notify(words, done);
        if (isLast) return true;
      }
    },
    // A method: compilers that keep names would wrap an arrow function in a helper.
    wait({ tasks }, run) {
      return until(blocks + size * (run & (count - 1)) + doneWord, tasks.length);
    },
  };

  /** Waits until so many tasks are done. */
  function until(done: number, tasks: number): boolean {
    let since = 0;
    for (let spin = 1; ; spin++) {
      const now = Atomics.load(words, done);
      if (now >= tasks) return true;
      if (Atomics.load(words, failed) !== 0) return false;
      if (spin % spins !== 0) continue;
      // Milliseconds: a little longer than threads as a rule wait for each other.
      if (since === 0) since = performance.now();
      const waited = performance.now() - since;
      if (waited > limit) {
        fail(done);
        return false;
      }
      if (waited > patience) Atomics.wait(words, done, now, 100);
    }
  }

  function fail(done: number): void {
    Atomics.store(words, failed, 1);
    Atomics.notify(words, done);
  }
}
