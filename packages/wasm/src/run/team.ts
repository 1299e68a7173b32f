// The threads that compute a program: the caller and workers beside it; or, in a page, whose thread must stay free,
// workers alone.

import { BnError } from '@bn/core';
import type { Program } from '../compile.js';
import { createClock, createTimes } from './clock.js';
import { isPage } from './engine.js';
import { control, createMember, listen, type Work } from './member.js';
import type { ToWorker } from './serve.js';
import type { WebWorker } from './web-worker.js';
import { startWorker, type WorkerThread } from './worker-thread.js';

/** What the team needs of a program. */
export type Loadable = Pick<Program, 'bytes' | 'rounds' | 'iterations' | 'threadMemory' | 'threadBytes' | 'timed'>;

/** A program that the team has loaded. */
export interface Handle {
  readonly id: number;
  readonly program: Loadable;
  readonly work: Work;
  /** Threads that compute it. */
  readonly threads: number;
  /** Milliseconds by thread and slot of the clock, if the program is timed. */
  readonly times: Float64Array<ArrayBufferLike> | null;
}

export interface TeamOptions {
  /** Makes a Web Worker that runs `@bn/wasm/worker`; by default workers are made from text. */
  readonly createWorker?: (() => WebWorker) | undefined;
  /** Milliseconds that threads wait for a task of another before they give up; default a minute. */
  readonly limit?: number | undefined;
}

/** Iterations below which a run is done sooner by the caller alone than workers wake up: 0.1 to 0.2 ms. */
const smallRun = 2_000_000;

export class Team {
  readonly threads: number;
  readonly #memory: WebAssembly.Memory;
  readonly #workers: readonly WorkerThread[];
  /** The caller as one of the threads, where it is one. */
  readonly #member: ReturnType<typeof createMember> | undefined;
  readonly #words: Int32Array;
  readonly #limit: number;
  #loaded = 0;
  /** Number of the newest run. */
  #run = 0;
  /** Ends a run that workers compute alone. */
  #done: ((problem?: BnError) => void) | undefined;
  /** What the team is busy with that takes more than one turn of the event loop. */
  #busy: Promise<unknown> | undefined;
  #failure: BnError | undefined;

  private constructor(memory: WebAssembly.Memory, workers: readonly WorkerThread[], limit: number) {
    const callerComputes = computesItself(workers.length);
    this.#memory = memory;
    this.#workers = workers;
    this.threads = workers.length + (callerComputes ? 1 : 0);
    this.#member = callerComputes ? createMember(memory, limit) : undefined;
    this.#limit = limit;
    // The control block never moves: a view of the memory as it is now will do.
    this.#words = new Int32Array(memory.buffer, control.address);
  }

  /** A team of the caller alone, for memory that cannot be shared. */
  static alone(memory: WebAssembly.Memory): Team {
    return new Team(memory, [], 0);
  }

  /**
   * A team of `threads` on shared memory.
   *
   * @throws `backend` when workers cannot be started.
   */
  static async start(
    memory: WebAssembly.Memory,
    threads: number,
    { createWorker, limit = 60_000 }: TeamOptions = {},
  ): Promise<Team> {
    const answers = isPage();
    const workers: WorkerThread[] = [];
    let team: Team | undefined;
    try {
      for (let i = answers ? 0 : 1; i < threads; i++) {
        workers.push(
          startWorker(createWorker, limit, (problem) => {
            if (team) team.#end(problem);
          }),
        );
      }
      await sendAll(workers, (index) => ({ type: 'start', memory, index, limit, answers }));
    } catch (error) {
      for (const worker of workers) worker.terminate();
      throw error instanceof BnError
        ? error
        : new BnError('backend', `wasm: a worker thread does not start: ${error}`, { cause: error });
    }
    team = new Team(memory, workers, limit);
    return team;
  }

  async load(program: Loadable): Promise<Handle> {
    const { rounds, threadMemory, threadBytes, timed } = program;
    const threads = this.#isSmall(program) ? 1 : this.threads;
    const times = timed && createTimes(timed.length + 1, threads, !this.#isSmall(program));
    const module = await WebAssembly.compile(program.bytes);
    const env = { memory: this.#memory, ...(times && { mark: createClock(times, 0) }) };
    const instance = new WebAssembly.Instance(module, { env });
    const id = this.#loaded++;
    const first = this.#member ? 1 : 0;
    const tasks = rounds.flat();
    const ends: number[] = [];
    for (const { length } of rounds) if (length > 0) ends.push(length + (ends.at(-1) ?? 0));
    if (!this.#isSmall(program)) {
      await this.#tell((i) => ({
        ...{ type: 'load', id, module, tasks, ends },
        threadMemory: threadMemory + threadBytes * (first + i),
        clock: times && { times, first: (times.length / threads) * (first + i) },
      }));
    }
    const exports = instance.exports as unknown as Work['exports'];
    return { id, program, work: { tasks, ends, threadMemory, exports }, threads, times };
  }

  async unload({ id, program }: Handle): Promise<void> {
    if (this.#failure) return;
    await (this.#isSmall(program) ? this.#inTurn(() => {}) : this.#tell(() => ({ type: 'unload', id })));
  }

  /**
   * Runs all rounds, after whatever else the team is busy with; at once, where it is not and the caller computes.
   *
   * @param prepare is called directly before
   * @param iterations how many this run has, if not all
   * @throws `backend` when a thread fails or does not answer: the team is of no use then.
   */
  run({ id, program, work }: Handle, prepare: () => void, iterations = program.iterations): Promise<void> {
    return this.#inTurn(() => {
      prepare();
      if (this.#isSmall({ iterations })) {
        for (const { name, start, end } of work.tasks) work.exports[name](start, end, work.threadMemory);
        return;
      }
      const done = this.#member ? undefined : this.#untilDone();
      const run = this.#wake(id);
      if (done) return done;
      this.#member!.help(work, run);
      if (!this.#member!.wait(work, run)) throw new Error('another thread has failed, or did not answer');
    });
  }

  dispose(): void {
    for (const worker of this.#workers) worker.terminate();
  }

  #isSmall({ iterations }: Pick<Program, 'iterations'>): boolean {
    return this.#workers.length === 0 || iterations < smallRun;
  }

  /** Sends a message to every worker, which has to be told to read it. */
  #tell(messageFor: (index: number) => ToWorker): Promise<void> {
    return this.#inTurn(() => {
      this.#wake(listen);
      return sendAll(this.#workers, messageFor);
    });
  }

  /** One thing after the other: workers that are told to read a message may not have, when the next program comes. */
  async #inTurn(action: () => void | Promise<void>): Promise<void> {
    while (this.#busy) await this.#busy;
    if (this.#failure) throw this.#failure;
    try {
      const doing = action();
      if (!doing) return;
      this.#busy = doing.catch(() => {});
      await doing;
    } catch (cause) {
      throw this.#fail(cause);
    } finally {
      this.#busy = undefined;
    }
  }

  /** Resolves when a worker has done the last task of the present run. */
  #untilDone(): Promise<void> {
    return new Promise((resolve, reject) => {
      const limit = this.#limit;
      const timer = setTimeout(() => reject(new Error(`no answer in ${limit / 1000} s`)), limit);
      this.#done = (problem) => {
        clearTimeout(timer);
        this.#done = undefined;
        if (problem) reject(problem);
        else resolve();
      };
    });
  }

  /** A worker has done the last task of a run, or has failed. */
  #end(problem: BnError | undefined): void {
    if (this.#done) this.#done(problem);
    else if (problem) this.#fail(problem);
  }

  /** Gives workers something to do: a program, or to listen. Returns the number of the run. */
  #wake(program: number): number {
    const words = this.#words;
    // 0 is no run.
    this.#run = (this.#run + 1) | 0 || 1;
    const block = control.blocks + control.size * (this.#run & (control.count - 1));
    for (const i of this.#workers.keys()) this.#untilLeft(control.places + control.size * i);
    Atomics.store(words, block, program);
    Atomics.store(words, block + control.taken, 0);
    Atomics.store(words, block + control.done, 0);
    Atomics.store(words, control.run, this.#run);
    Atomics.notify(words, control.run);
    return this.#run;
  }

  /** Waits for a worker that is still in the run that had the block of words before. */
  #untilLeft(place: number): void {
    const words = this.#words;
    const since = performance.now();
    for (;;) {
      const run = Atomics.load(words, place);
      if (run === 0 || ((this.#run - run) | 0) < control.count) return;
      if (performance.now() - since > this.#limit) throw new Error(`no answer in ${this.#limit / 1000} s`);
      if (!isPage()) Atomics.wait(words, place, run, 1);
    }
  }

  /** After a failure nobody knows which tasks are done. */
  #fail(cause: unknown): BnError {
    const detail = cause instanceof Error ? cause.message : String(cause);
    this.#failure = new BnError('backend', `wasm: a thread has failed (${detail}); create a new backend`, { cause });
    this.dispose();
    return this.#failure;
  }
}

async function sendAll(workers: readonly WorkerThread[], messageFor: (index: number) => ToWorker): Promise<void> {
  await Promise.all(
    workers.map((worker, i) => {
      worker.send(messageFor(i));
      return worker.ready();
    }),
  );
}

function computesItself(workers: number): boolean {
  return workers === 0 || !isPage();
}
