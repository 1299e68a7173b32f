// One thread of a team: takes tasks from the present round, and meets the others at its end.

/** What a thread needs of a program. */
export interface Work {
  readonly rounds: readonly (readonly { readonly name: string; readonly start: number; readonly end: number }[])[];
  /** Memory of this thread alone. */
  readonly threadMemory: number;
  readonly exports: Readonly<Record<string, (start: number, end: number, threadMemory: number) => void>>;
}

export interface Member {
  /**
   * Computes all rounds together with the other threads; when it returns, all of them are done. Throws what the program
   * throws; gives false if another thread has failed, or none has come to a meeting within the time limit.
   */
  run(work: Work): boolean;
}

/**
 * Words of the control block, which stands at this address, where no program's memory is: what is there when a thread
 * starts is enough to see it, however memory grows. `claims` is where one counter for each round begins: the next task
 * to be taken.
 */
export const control = { address: 1024, run: 0, command: 1, arrived: 2, passed: 3, failed: 4, claims: 64 } as const;
/** A command to workers: read messages. Others are numbers of programs. */
export const listen = -1;

/**
 * Makes a member. The text of this function is also what workers run: it refers to nothing outside itself, and has no
 * syntax that compilers to older JavaScript replace by helpers.
 *
 * Threads meet by counting: each adds one to `arrived`; the last one, if the next rounds have a single task, does those,
 * and then sets `passed`, which the others watch: for a short while in a loop, then asleep.
 *
 * @param limit milliseconds after which others that have not come to a meeting are given up
 */
export function createMember(memory: WebAssembly.Memory, threads: number, limit: number): Member {
  const [arrived, passed, failed, claims] = [258, 259, 260, 320];
  const [spins, patience] = [1000, 0.25];
  const words = new Int32Array(memory.buffer);
  let meetings = 0;

  return {
    run(work) {
      const rounds = work.rounds;
      let next = 0;
      while (next < rounds.length) {
        const round = rounds[next];
        const claim = claims + next;
        for (;;) {
          const i = Atomics.add(words, claim, 1);
          if (i >= round.length) break;
          perform(work, round[i]);
        }
        const after = firstParallel(rounds, next + 1);
        const met = meet(() => {
          for (let s = next + 1; s < after; s++) for (const task of rounds[s]) perform(work, task);
        });
        if (!met) return false;
        next = after;
      }
      return true;
    },
  };

  function perform(work: Work, task: Work['rounds'][number][number]): void {
    try {
      work.exports[task.name](task.start, task.end, work.threadMemory);
    } catch (error) {
      fail();
      throw error;
    }
  }

  function firstParallel(rounds: Work['rounds'], from: number): number {
    let s = from;
    while (s < rounds.length && rounds[s].length <= 1) s++;
    return s;
  }

  function meet(between: () => void): boolean {
    meetings = (meetings + 1) | 0;
    // Counters wrap around together.
    const all = Math.imul(threads, meetings);
    if (((Atomics.add(words, arrived, 1) + 1) | 0) === all) {
      between();
      Atomics.store(words, passed, meetings);
      Atomics.notify(words, passed);
      return true;
    }
    let since = 0;
    for (let spin = 1; ; spin++) {
      const now = Atomics.load(words, passed);
      if (((now - meetings) | 0) >= 0) return true;
      if (Atomics.load(words, failed) !== 0) return false;
      if (spin % spins !== 0) continue;
      // Milliseconds: a little longer than threads as a rule wait for each other.
      if (since === 0) since = performance.now();
      const waited = performance.now() - since;
      if (waited > limit) {
        fail();
        return false;
      }
      if (waited > patience) Atomics.wait(words, passed, now, 100);
    }
  }

  function fail(): void {
    Atomics.store(words, failed, 1);
    Atomics.notify(words, passed);
  }
}
