// One worker thread, as a thing that tasks can be given to.

import { type Transferable, Worker } from 'node:worker_threads';
import { Remote, type Reply } from '@bn/command-line';
import type { OpenModelOptions } from '../../model/open-model.js';
import type { Tasks } from './messages.js';

/** Why a task has no answer: the thread ended under it. */
export class WorkerDied extends Error {
  override readonly name = 'WorkerDied';
}

/** @throws BnError as a task did; WorkerDied */
export class WorkerThread extends Remote<Tasks, Transferable> {
  readonly #thread: Worker;
  /** When what it computes should be done, by `performance.now()`. */
  dueAt = Number.POSITIVE_INFINITY;
  /** Settled when the thread has ended, with what ended it. */
  readonly ended: Promise<WorkerDied>;

  constructor(program: URL, settings: OpenModelOptions) {
    const thread = new Worker(program, { workerData: settings });
    super((question, moved) => thread.postMessage(question, moved));
    this.#thread = thread;
    let cause: Error | null = null;
    thread.on('message', (reply: Reply) => this.settle(reply));
    thread.on('error', (error) => {
      cause = error;
    });
    this.ended = new Promise((resolve) => {
      thread.on('exit', (code) => {
        const death = new WorkerDied(`the worker ended (${cause?.message ?? `exit code ${code}`})`, { cause });
        this.fail(death);
        resolve(death);
      });
    });
  }

  async end(): Promise<void> {
    await this.#thread.terminate();
  }
}
