// The parent's side of a child process.

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Answer, type Argument, Remote, type Reply, UsageError } from '@bn/command-line';
import { BnError } from '@bn/core';
import type { Tasks } from './tasks.js';

const program = fileURLToPath(new URL('child-main.js', import.meta.url));

/** Characters of what a dying process wrote that are worth telling. */
const lastWords = 400;

export class Child {
  readonly #label: string;
  readonly #process: ChildProcess;
  readonly #remote: Remote<Tasks>;
  #written = '';

  /** @param label names the backend in errors */
  constructor(label: string, env: NodeJS.ProcessEnv) {
    this.#label = label;
    // Native libraries print what they like: nothing of it may get into the output.
    this.#process = fork(program, { env, serialization: 'advanced', stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    this.#remote = new Remote((question) => {
      this.#process.send(question, (cause) => cause && this.#end(cause.message));
    });
    this.#process.stderr!.on('data', (data) => {
      this.#written = `${this.#written}${data}`.slice(-lastWords);
    });
    this.#process.on('message', (reply: Reply) => this.#remote.settle(reply));
    this.#process.on('error', (cause) => this.#end(cause.message));
    this.#process.on('exit', (code, signal) => this.#end(signal ?? `exit code ${code}`));
  }

  /** Questions are answered in their order. */
  ask<Name extends keyof Tasks>(task: Name, argument: Argument<Tasks, Name>): Promise<Answer<Tasks, Name>> {
    const answer = this.#remote.ask(task, argument).catch((error: Error) => {
      const isNamed = error instanceof UsageError || error.message.includes(this.#label);
      if (!isNamed) error.message = `${this.#label}: ${error.message}`;
      throw error;
    });
    answer.catch(() => {}); // whoever awaits it reports the error, perhaps later
    return answer;
  }

  stop(): void {
    this.#process.kill('SIGKILL');
  }

  #end(how: string): void {
    const written = this.#written.trim().replace(/\s*\n\s*/g, ' ');
    const said = `its process ended (${how})${written && `: ${written}`}`;
    this.#remote.fail(new BnError('backend', `${this.#label}: ${said}; try another device or engine`));
  }
}
