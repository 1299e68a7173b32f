// One worker thread, as a thing that tasks can be given to.

import { type Transferable, Worker } from 'node:worker_threads';
import { UsageError } from '@bn/command-line';
import { BnError, type BnErrorCode } from '@bn/core';
import type { OpenModelOptions } from '../../model/open-model.js';
import type { Answer, Argument, TaskName, WorkerReply, WorkerRequest } from './messages.js';

/** Why a task has no answer: the thread ended under it. */
export class WorkerDied extends Error {
  override readonly name = 'WorkerDied';
}

interface Pending {
  resolve(answer: never): void;
  reject(error: Error): void;
}

export class WorkerThread {
  readonly #thread: Worker;
  readonly #pending = new Map<number, Pending>();
  #nextId = 0;
  #cause: Error | null = null;
  #death: WorkerDied | null = null;
  /** Settled when the thread has ended, with what ended it. */
  readonly ended: Promise<WorkerDied>;

  constructor(program: URL, settings: OpenModelOptions) {
    this.#thread = new Worker(program, { workerData: settings });
    this.#thread.on('message', (reply: WorkerReply) => this.#settle(reply));
    this.#thread.on('error', (cause) => {
      this.#cause = cause;
    });
    this.ended = new Promise((resolve) => {
      this.#thread.on('exit', (code) => {
        const why = this.#cause?.message ?? `exit code ${code}`;
        this.#death = new WorkerDied(`the worker ended (${why})`, { cause: this.#cause });
        for (const { reject } of this.#pending.values()) reject(this.#death);
        this.#pending.clear();
        resolve(this.#death);
      });
    });
  }

  /**
   * Tasks are carried out one after another.
   *
   * @param moved memory that the worker takes over instead of a copy
   * @throws BnError as the task did; WorkerDied
   */
  ask<T extends TaskName>(task: T, argument: Argument<T>, moved: readonly Transferable[] = []): Promise<Answer<T>> {
    if (this.#death) return Promise.reject(this.#death);
    return new Promise<Answer<T>>((resolve, reject) => {
      const id = this.#nextId++;
      this.#pending.set(id, { resolve, reject });
      this.#thread.postMessage({ id, task, argument } satisfies WorkerRequest<T>, moved);
    });
  }

  async end(): Promise<void> {
    await this.#thread.terminate();
  }

  #settle(reply: WorkerReply): void {
    const pending = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    if ('answer' in reply) pending?.resolve(reply.answer as never);
    else pending?.reject(errorOf(reply.error));
  }
}

function errorOf({ code, message }: Extract<WorkerReply, { error: unknown }>['error']): Error {
  if (code === 'usage') return new UsageError(message);
  return code === undefined ? new Error(message) : new BnError(code as BnErrorCode, message);
}
