// The threads that compute a program: the caller, and workers beside it.

import { BnError } from '@bn/core';
import type { Program } from '../compile.js';
import { control, createMember, listen, type Work } from './member.js';
import { startWorker, type WorkerThread } from './worker-program.js';

/** A program that the team has loaded. */
export interface Handle {
  readonly id: number;
  readonly program: Program;
  readonly work: Work;
}

/** Iterations below which a run is done sooner by the caller alone than workers wake up: 0.1 to 0.2 ms. */
const smallRun = 2_000_000;

export class Team {
  readonly threads: number;
  readonly #memory: WebAssembly.Memory;
  readonly #workers: readonly WorkerThread[];
  readonly #member;
  readonly #words: Int32Array;
  #loaded = 0;
  #sending: Promise<unknown> = Promise.resolve();

  constructor(memory: WebAssembly.Memory, workers: readonly WorkerThread[]) {
    this.#memory = memory;
    this.#workers = workers;
    this.threads = workers.length + 1;
    this.#member = createMember(memory, this.threads, mayWait());
    // The control block never moves: a view of the memory as it is now will do.
    this.#words = new Int32Array(memory.buffer, control.address);
  }

  /** A team of `threads`; of the caller alone where memory cannot be shared. */
  static async start(memory: WebAssembly.Memory, threads: number): Promise<Team> {
    const workers = await Promise.all(Array.from({ length: threads - 1 }, () => startWorker()));
    await Promise.all(workers.map((worker, i) => worker.send({ type: 'start', memory, threads, index: i + 1 })));
    return new Team(memory, workers);
  }

  async load(program: Program): Promise<Handle> {
    const module = await WebAssembly.compile(program.bytes);
    const instance = new WebAssembly.Instance(module, { env: { memory: this.#memory } });
    const id = this.#loaded++;
    const { stages, threadMemory, threadBytes } = program;
    const work = { stages, threadMemory, exports: instance.exports as unknown as Work['exports'] };
    if (!this.#isSmall(program)) {
      await this.#tell((i) => ({
        type: 'load',
        id,
        module,
        work: { stages, threadMemory: threadMemory + threadBytes * (i + 1) },
      }));
    }
    return { id, program, work };
  }

  async unload({ id, program }: Handle): Promise<void> {
    if (!this.#isSmall(program)) await this.#tell(() => ({ type: 'unload', id }));
  }

  /** Runs all stages; when it returns they are done. `iterations`: how many this run has, if not all. */
  run({ id, program, work }: Handle, iterations = program.iterations): void {
    if (this.#isSmall({ iterations })) {
      for (const stage of work.stages) {
        for (const { name, start, end } of stage) work.exports[name](start, end, work.threadMemory);
      }
      return;
    }
    this.#words.fill(0, control.claims, control.claims + work.stages.length);
    this.#wake(id);
    try {
      this.#member.run(work);
    } catch (cause) {
      throw new BnError('backend', 'wasm: a thread has failed; this is a mistake in @bn/wasm', { cause });
    }
  }

  dispose(): void {
    for (const worker of this.#workers) worker.terminate();
  }

  #isSmall({ iterations }: Pick<Program, 'iterations'>): boolean {
    return this.threads === 1 || iterations < smallRun;
  }

  /** Sends a message to every worker, which has to be told to read it; one after the other. */
  #tell(messageFor: (index: number) => Parameters<WorkerThread['send']>[0]): Promise<void> {
    const told = this.#sending.then(async () => {
      this.#wake(listen);
      await Promise.all(this.#workers.map((worker, i) => worker.send(messageFor(i))));
    });
    this.#sending = told.catch(() => {});
    return told;
  }

  #wake(command: number): void {
    Atomics.store(this.#words, control.command, command);
    Atomics.add(this.#words, control.run, 1);
    Atomics.notify(this.#words, control.run);
  }
}

/** The main thread of a page must not sleep. */
function mayWait(): boolean {
  return !('document' in globalThis);
}
