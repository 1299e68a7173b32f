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
  /** Milliseconds that threads wait for each other before they give up; default a minute. */
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
  #loaded = 0;
  /** What the team is busy with that takes more than one turn of the event loop. */
  #busy: Promise<unknown> | undefined;
  #failure: BnError | undefined;

  private constructor(memory: WebAssembly.Memory, workers: readonly WorkerThread[], limit: number) {
    const callerComputes = computesItself(workers.length);
    this.#memory = memory;
    this.#workers = workers;
    this.threads = workers.length + (callerComputes ? 1 : 0);
    this.#member = callerComputes ? createMember(memory, this.threads, limit) : undefined;
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
    try {
      for (let i = answers ? 0 : 1; i < threads; i++) workers.push(startWorker(createWorker, limit));
      await sendAll(workers, () => ({ type: 'start', memory, threads, limit, answers }));
    } catch (error) {
      for (const worker of workers) worker.terminate();
      throw error instanceof BnError
        ? error
        : new BnError('backend', `wasm: a worker thread does not start: ${error}`, { cause: error });
    }
    return new Team(memory, workers, limit);
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
    if (!this.#isSmall(program)) {
      await this.#tell((i) => ({
        ...{ type: 'load', id, module, rounds },
        threadMemory: threadMemory + threadBytes * (first + i),
        clock: times && { times, first: (times.length / threads) * (first + i) },
      }));
    }
    const exports = instance.exports as unknown as Work['exports'];
    return { id, program, work: { rounds, threadMemory, exports }, threads, times };
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
        for (const round of work.rounds) {
          for (const { name, start, end } of round) work.exports[name](start, end, work.threadMemory);
        }
        return;
      }
      this.#words.fill(0, control.claims, control.claims + work.rounds.length);
      const answers = this.#member ? undefined : this.#answers();
      this.#wake(id);
      if (answers) return answers;
      if (!this.#member!.run(work)) throw new Error('another thread has failed, or did not answer');
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

  async #answers(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.answer()));
  }

  #wake(command: number): void {
    Atomics.store(this.#words, control.command, command);
    Atomics.add(this.#words, control.run, 1);
    Atomics.notify(this.#words, control.run);
  }

  /** Threads that have lost each other do not meet again. */
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
      return worker.answer();
    }),
  );
}

function computesItself(workers: number): boolean {
  return workers === 0 || !isPage();
}
