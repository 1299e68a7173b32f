// The times of one program: of its runs, and of its nests within them.

import type { TimedNest } from '../emit/program.js';
import type { Heap } from '../run/heap.js';
import type { Handle } from '../run/team.js';
import { measureMark } from './measure-mark.js';

export interface ProgramTimes {
  readonly runs: number;
  /** The same, with runs of part of a program's rows counted as that part. */
  readonly wholeRuns: number;
  /** Wall time of the runs. */
  readonly seconds: number;
  readonly nests: readonly (TimedNest & { readonly seconds: number })[];
}

export class Timing {
  readonly #nests: readonly TimedNest[];
  readonly #times: Float64Array<ArrayBufferLike>;
  readonly #threads: number;
  readonly #skippedRuns: number;
  #started = 0;
  #runs = 0;
  #wholeRuns = 0;
  #milliseconds = 0;

  constructor(nests: readonly TimedNest[], { times, threads }: Handle, skippedRuns: number) {
    this.#nests = nests;
    this.#times = times!;
    this.#threads = threads;
    this.#skippedRuns = skippedRuns;
  }

  /**
   * To be called directly before a run; what it returns, after it.
   *
   * @param part of the program's rows that the run has
   */
  start(part: number): () => void {
    if (this.#started === this.#skippedRuns) this.#times.fill(0);
    const counts = this.#started >= this.#skippedRuns;
    this.#started++;
    const start = performance.now();
    return () => {
      if (!counts) return;
      this.#runs++;
      this.#wholeRuns += part;
      this.#milliseconds += performance.now() - start;
    };
  }

  /** Means over the threads, without what the clock itself has taken. */
  read(heap: Heap): ProgramTimes {
    const slots = this.#times.length / this.#threads;
    const mark = measureMark(heap);
    const nests = this.#nests.map((nest, n) => {
      let sum = 0;
      for (let slot = n + 1; slot < this.#times.length; slot += slots) sum += this.#times[slot];
      const milliseconds = this.#runs === 0 ? 0 : Math.max(0, sum - mark * nest.calls * this.#wholeRuns);
      return { ...nest, seconds: milliseconds / this.#threads / 1000 };
    });
    return { runs: this.#runs, wholeRuns: this.#wholeRuns, seconds: this.#milliseconds / 1000, nests };
  }
}
