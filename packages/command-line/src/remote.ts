// Tasks that another process or thread carries out: questions and answers as messages, failures as the errors that they are.

import { BnError, type BnErrorCode } from '@bn/core';
import { UsageError } from './usage-error.js';

/** Tasks by name, with what each takes and answers. */
type Tasks<T> = { readonly [N in keyof T]: (argument: never) => unknown };
export type Argument<T extends Tasks<T>, N extends keyof T> = Parameters<T[N]>[0];
export type Answer<T extends Tasks<T>, N extends keyof T> = ReturnType<T[N]>;

interface Question {
  readonly id: number;
  readonly task: PropertyKey;
  readonly argument: unknown;
}

/** Plain, because messages lose the class and the code of errors. */
type SentError = Pick<Error, 'name' | 'message' | 'stack'> & { readonly code?: string };
export type Reply = { readonly id: number } & ({ readonly answer: unknown } | { readonly error: SentError });

/** The tasks on the side that carries them out. */
export type TaskTable<T extends Tasks<T>> = {
  readonly [N in keyof T]: (argument: Argument<T, N>) => Promise<Answer<T, N>>;
};

/** @returns what to do with each message: tasks are carried out one after another */
export function carryOut<T extends Tasks<T>>(tasks: TaskTable<T>, send: (reply: Reply) => void) {
  let last = Promise.resolve();
  const reply = async ({ id, task, argument }: Question): Promise<void> => {
    try {
      send({ id, answer: await tasks[task as keyof T](argument as never) });
    } catch (cause) {
      const { name, message, stack = '', code = '' } = cause as SentError;
      send({ id, error: { name, message, stack, code } });
    }
  };
  return (question: Question): void => {
    last = last.then(() => reply(question));
  };
}

/** The side that asks. */
export class Remote<T extends Tasks<T>, Moved = never> {
  readonly #send: (question: Question, moved: readonly Moved[]) => void;
  readonly #waiting = new Map<number, { resolve(answer: never): void; reject(error: Error): void }>();
  #ended: Error | null = null;
  #count = 0;

  constructor(send: (question: Question, moved: readonly Moved[]) => void) {
    this.#send = send;
  }

  /**
   * @param moved memory that the other side takes over instead of a copy
   * @throws BnError or UsageError as the task did; what ended the other side
   */
  ask<N extends keyof T>(task: N, argument: Argument<T, N>, moved: readonly Moved[] = []): Promise<Answer<T, N>> {
    if (this.#ended) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      const id = this.#count++;
      this.#waiting.set(id, { resolve, reject });
      this.#send({ id, task, argument }, moved);
    });
  }

  settle(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if ('answer' in reply) waiting?.resolve(reply.answer as never);
    else waiting?.reject(errorOf(reply.error));
  }

  /** To be called when the other side has ended: nothing is answered any more. */
  fail(error: Error): void {
    this.#ended ??= error;
    for (const { reject } of this.#waiting.values()) reject(this.#ended);
    this.#waiting.clear();
  }
}

function errorOf({ name, code, message, stack }: SentError): Error {
  const known = name === 'BnError' ? new BnError(code as BnErrorCode, message) : new Error(message);
  return Object.assign(name === 'UsageError' ? new UsageError(message) : known, { stack });
}
