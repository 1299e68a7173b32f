// The parent's side of a child process: questions as promises, failures as the errors that they are.

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { UsageError } from '@bn/command-line';
import { BnError, type BnErrorCode } from '@bn/core';
import type { Reply, Request, TaskName, Tasks } from './tasks.js';

const program = fileURLToPath(new URL('child-main.js', import.meta.url));

/** Characters of what a dying process wrote that are worth telling. */
const lastWords = 400;

interface Waiting {
  resolve(answer: unknown): void;
  reject(error: Error): void;
}

export class Child {
  readonly #label: string;
  readonly #process: ChildProcess;
  readonly #waiting: Waiting[] = [];
  #written = '';
  #ended: Error | undefined;

  /** @param label names the backend in errors */
  constructor(label: string, env: NodeJS.ProcessEnv) {
    this.#label = label;
    // Native libraries print what they like: nothing of it may get into the output.
    this.#process = fork(program, { env, serialization: 'advanced', stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    this.#process.stderr!.on('data', (data) => {
      this.#written = `${this.#written}${data}`.slice(-lastWords);
    });
    this.#process.on('message', (reply: Reply) => {
      const { resolve, reject } = this.#waiting.shift()!;
      if ('answer' in reply) resolve(reply.answer);
      else reject(this.#errorOf(reply.error));
    });
    this.#process.on('error', (cause) => this.#end(cause.message));
    this.#process.on('exit', (code, signal) => this.#end(signal ?? `exit code ${code}`));
  }

  /** Questions are answered in their order. */
  ask<Name extends TaskName>(task: Name, argument: Parameters<Tasks[Name]>[0]): Promise<ReturnType<Tasks[Name]>> {
    if (this.#ended) return Promise.reject(this.#ended);
    const answer = new Promise<ReturnType<Tasks[Name]>>((resolve, reject) => {
      this.#waiting.push({ resolve: resolve as Waiting['resolve'], reject });
    });
    answer.catch(() => {}); // whoever awaits it reports the error, perhaps later
    const request: Request = { task, argument };
    this.#process.send(request, (cause) => cause && this.#end(cause.message));
    return answer;
  }

  stop(): void {
    this.#process.kill('SIGKILL');
  }

  #end(how: string): void {
    const written = this.#written.trim().replace(/\s*\n\s*/g, ' ');
    this.#ended ??= new BnError(
      'backend',
      `${this.#label}: its process ended (${how})${written && `: ${written}`}; try another device or engine`,
    );
    for (const { reject } of this.#waiting.splice(0)) reject(this.#ended);
  }

  #errorOf({ name, code, message, stack }: Extract<Reply, { error: unknown }>['error']): Error {
    const named = message.includes(this.#label) ? message : `${this.#label}: ${message}`;
    const error =
      name === 'UsageError'
        ? new UsageError(message)
        : name === 'BnError'
          ? new BnError(code as BnErrorCode, named)
          : new Error(named);
    if (stack !== undefined) error.stack = stack;
    return error;
  }
}
