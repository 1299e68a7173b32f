// A worker as a process of its own, which another one replaces if it is killed.

import { type ChildProcess, fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Remote, type Reply } from '@bn/command-line';
import { BnError } from '@bn/core';
import type { OpenModelOptions } from '../model/open-model.js';
import type { ShardFigures, ShardTask } from './do-shards.js';
import { untilEnded } from './run-shards.js';

/** What the process can be asked. */
export interface Tasks {
  open(backend: OpenModelOptions): void;
  do(task: ShardTask): ShardFigures;
}

const program = fileURLToPath(new URL('worker-process-main.js', import.meta.url));

/** Processes that may die of one shard. */
const attempts = 3;

class WorkerProcess {
  readonly #backend: OpenModelOptions;
  readonly #say: (message: string) => void;
  #process: ChildProcess | null = null;
  #remote: Promise<Remote<Tasks>> | null = null;

  /** @param say told that a process has died */
  constructor(backend: OpenModelOptions, say: (message: string) => void) {
    this.#backend = backend;
    this.#say = say;
  }

  /** @throws as `ShardWorker`; BnError `unsupported` if process after process dies of the shard */
  async do(task: ShardTask, signal: AbortSignal): Promise<ShardFigures | null> {
    for (let attempt = 1; ; attempt++) {
      try {
        this.#remote ??= this.#start();
        const remote = await this.#remote;
        return await untilEnded(remote.ask('do', task), signal);
      } catch (error) {
        this.#remote = null;
        if (!(error instanceof ProcessDied)) throw error;
        if (signal.aborted) return null;
        if (attempt === attempts) {
          const problem = `${attempts} processes died of shard ${task.shard} of ${task.folder}, the last by ${error.message}`;
          throw new BnError(
            'unsupported',
            `${problem}; give \`infer bulk\` --workers 1 and a small --shard-size to see more`,
          );
        }
        this.#say(`a worker died (${error.message}); another one does its work`);
      }
    }
  }

  stop(): void {
    this.#process?.kill('SIGKILL');
  }

  async #start(): Promise<Remote<Tasks>> {
    const child = fork(program, { serialization: 'advanced', stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    this.#process = child;
    const remote = new Remote<Tasks>((question) => {
      child.send(question, (cause) => cause && remote.fail(new ProcessDied(cause.message)));
    });
    child.on('message', (reply: Reply) => remote.settle(reply));
    child.on('error', (cause) => remote.fail(new ProcessDied(cause.message)));
    child.on('exit', (code, signal) => remote.fail(new ProcessDied(signal ?? `exit code ${code}`)));
    await remote.ask('open', this.#backend);
    return remote;
  }
}

/** So many, which share out the processors, unless it was said how many threads each takes. */
export function workerProcesses(
  count: number,
  backend: OpenModelOptions,
  say: (message: string) => void,
): WorkerProcess[] {
  const threads = backend.threads ?? Math.max(1, Math.floor(availableParallelism() / count));
  return Array.from({ length: count }, () => new WorkerProcess({ ...backend, threads }, say));
}

class ProcessDied extends Error {}
