// The side of a queue that gives tasks and takes their results. Redis holds nothing that cannot be given again.

import { BnError } from '@bn/core';
import type { Job } from 'bullmq';
import type { RedisConnection } from './connect.js';

/** What a task is in Redis. */
export interface Given<Task> {
  /** Of the program that gives it: workers of another one leave it. */
  readonly version: string;
  readonly task: Task;
}

export interface GivingOptions {
  readonly queue: string;
  /** Sets the tasks of this giver apart from those of others in the queue; the same one when it goes on later. */
  readonly owner: string;
  readonly version: string;
  /** Told now and then what workers tell of a task. */
  readonly onProgress: (id: string, progress: unknown) => void;
  /** Told when the connection is lost, when it is back, and when no worker is connected. */
  readonly say: (text: string) => void;
  /** The command that starts a worker, for messages. */
  readonly worker: string;
}

export interface TaskGiver<Task, Result> {
  /**
   * Has a task done by one of the workers; the id names it among the owner's. It may be done twice, if a worker dies or Redis loses it.
   *
   * @param priority from 1, which is done first
   * @returns what the worker returned
   * @throws Error in the worker's words if workers failed at it three times; BnError `backend` if Redis refuses
   */
  run(id: string, task: Task, priority: number): Promise<Result>;
  /** Takes back what no worker has begun, and drops the connection. */
  close(): Promise<void>;
}

/** Milliseconds between two looks at the queue, and at who takes from it. */
const [interval, countInterval] = [300, 10_000];

/** @param connection is the giver's from now on */
export function giveTasks<Task, Result>(connection: RedisConnection, options: GivingOptions): TaskGiver<Task, Result> {
  const { queue: queueName, owner, version, onProgress, say, worker } = options;
  const { client, bullmq, name } = connection;
  connection.watch(say);
  const queue = new bullmq.Queue(queueName, { connection: client, skipVersionCheck: true });
  // The connection tells of itself.
  queue.on('error', () => {});

  interface Outstanding {
    readonly job: { name: string; data: Given<Task>; opts: object };
    resolve(result: Result): void;
    reject(error: Error): void;
  }
  const outstanding = new Map<string, Outstanding>();
  const idOf = ({ id = '' }: Job) => (id.startsWith(`${owner}-`) ? id.slice(owner.length + 1) : null);
  const failure = (problem: string, cause?: unknown) => new BnError('backend', `${name}: ${problem}`, { cause });

  async function look(): Promise<void> {
    const [completed, failed, active] = await Promise.all([
      queue.getCompleted(0, 999),
      queue.getFailed(0, 999),
      queue.getActive(0, 999),
    ]);
    for (const job of [...completed, ...failed]) {
      const id = job && idOf(job);
      if (id === null || id === undefined) continue;
      const waiting = outstanding.get(id);
      outstanding.delete(id);
      if (completed.includes(job)) waiting?.resolve(job.returnvalue.result);
      else waiting?.reject(new Error(job.failedReason));
      await job.remove();
    }
    for (const job of active) {
      const id = job && idOf(job);
      if (id !== null && id !== undefined && outstanding.has(id) && job.progress) onProgress(id, job.progress);
    }
  }

  let isAlone = false;
  async function count(): Promise<void> {
    const wasAlone = isAlone;
    isAlone = (await queue.getWorkersCount()) === 0;
    const start = `${worker} --redis ${name} --queue ${queueName}`;
    if (isAlone && !wasAlone) say(`no worker is connected; start some with: ${start}`);
  }
  void count().catch(() => {});
  const counting = setInterval(() => void count().catch(() => {}), countInterval);

  let closed = false;
  let looking = Promise.resolve();
  const timer = setInterval(() => {
    looking = looking.then(look).catch((cause: Error) => {
      if (closed || client.status !== 'ready') return;
      for (const { reject } of outstanding.values()) reject(failure(cause.message, cause));
      outstanding.clear();
    });
  }, interval);
  // A Redis that keeps nothing on its disk has forgotten the tasks; to one that knows them, adding is nothing.
  const giveAgain = () => void queue.addBulk([...outstanding.values()].map(({ job }) => job)).catch(() => {});
  client.on('ready', giveAgain);

  return {
    async run(id, task, priority) {
      const jobId = `${owner}-${id}`;
      const opts = { jobId, priority, attempts: 3, backoff: { type: 'fixed', delay: 1000 } };
      const job = { name: id, data: { version, task }, opts };
      const result = new Promise<Result>((resolve, reject) => outstanding.set(id, { job, resolve, reject }));
      // A failure from before is not its end now.
      const adding = async () => {
        const before = await queue.getJob(jobId);
        if (await before?.isFailed()) await before?.remove();
        await queue.add(job.name, job.data, job.opts);
      };
      adding().catch((cause: Error) => {
        outstanding.get(id)?.reject(failure(cause.message, cause));
        outstanding.delete(id);
      });
      return result;
    },
    async close() {
      closed = true;
      clearInterval(timer);
      clearInterval(counting);
      client.off('ready', giveAgain);
      if (client.status === 'ready') {
        await looking;
        const jobs = [...outstanding.values()].map(({ job }) => queue.remove((job.opts as { jobId: string }).jobId));
        // One that is being done stays.
        await Promise.allSettled(jobs);
      }
      await connection.close();
    },
  };
}
