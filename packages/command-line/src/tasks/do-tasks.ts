// A worker: takes tasks from a queue until it is stopped. One that dies leaves its tasks to the others.

import { BnError } from '@bn/core';
import { isMachineFault } from '../machine-fault.js';
import type { RedisConnection } from './connect.js';
import type { Given } from './give-tasks.js';

export interface WorkerOptions {
  readonly queue: string;
  readonly version: string;
  /** Tasks at a time. */
  readonly concurrency: number;
  /** Ends the worker: what it does is stopped and given back. */
  readonly signal: AbortSignal;
  /** Told when the connection is lost, and when it is back. */
  readonly say: (text: string) => void;
}

export interface TaskContext {
  /** Aborted when the worker ends; the task is then given back, whatever it returns. */
  readonly signal: AbortSignal;
  /** Tells the giver how far the task is: something that JSON has. */
  progress(value: object): void;
}

/** A task whose worker is not heard of for so long goes to another, which looks in this interval. In ms. */
const [lockDuration, stalledInterval] = [6000, 3000];

/**
 * Does tasks until the signal. What the machine of the worker is to blame for (files, data, backends, the call) ends the worker and gives its
 * tasks back; another failure is the task's own.
 *
 * @param connection is the worker's from now on
 * @throws what ended the worker; BnError `unsupported` for tasks of another version
 */
export async function doTasks<Task, Result>(
  connection: RedisConnection,
  options: WorkerOptions,
  perform: (task: Task, context: TaskContext) => Promise<Result>,
): Promise<void> {
  const { queue, version, concurrency, say } = options;
  const { client, bullmq, name } = connection;
  connection.watch(say);
  const end = new AbortController();
  const signal = AbortSignal.any([options.signal, end.signal]);
  let fault: unknown;
  const worker = new bullmq.Worker<Given<Task>, { result: Result }>(
    queue,
    async (job, token) => {
      const giveBack = async () => {
        await job.moveToWait(token);
        throw new bullmq.WaitingError();
      };
      const endWith = (error: unknown) => {
        fault ??= error;
        end.abort();
        return giveBack();
      };
      if (signal.aborted) return await giveBack();
      const { version: its, task } = job.data;
      if (its !== version) {
        const problem = `the tasks in the queue ${queue} of ${name} are of version ${its}, and this worker is of ${version}`;
        return await endWith(new BnError('unsupported', `${problem}; install the same version on both sides`));
      }
      const progress = (value: object) => void job.updateProgress(value).catch(() => {});
      try {
        const result = await perform(task, { signal, progress });
        return signal.aborted ? await giveBack() : { result };
      } catch (error) {
        if (signal.aborted) return await giveBack();
        return isMachineFault(error) ? await endWith(error) : Promise.reject(error);
      }
    },
    {
      ...{ connection: client, concurrency, lockDuration, stalledInterval, skipVersionCheck: true },
      // Workers may be killed at any time, and that is no fault of the task.
      maxStalledCount: 1000,
      // After an error of Redis, as while it restarts.
      runRetryDelay: 1000,
    },
  );
  // The connection tells of itself; a task that another worker has taken over is that worker's.
  worker.on('error', () => {});
  try {
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve());
    });
    // Where Redis does not answer, nothing can be given back: others find out.
    if (client.status === 'ready') await worker.close();
    else void worker.close(true).catch(() => {});
  } finally {
    await connection.close();
  }
  if (fault) throw fault;
}
