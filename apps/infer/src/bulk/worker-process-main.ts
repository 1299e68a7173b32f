// The program of a worker's process: does one shard after another.

import { carryOut, type TaskTable } from '@bn/command-line';
import { ShardWorker } from './do-shards.js';
import type { Tasks } from './worker-process.js';

let worker: ShardWorker;
const never = new AbortController().signal;

const tasks: TaskTable<Tasks> = {
  async open(backend) {
    worker = new ShardWorker(backend);
  },
  // Without a signal it is never ended early.
  do: async (task) => (await worker.do(task, never))!,
};

process.on(
  'message',
  carryOut(tasks, (reply) => void process.send!(reply)),
);
// A Ctrl-C reaches the whole group of processes; the parent says what happens.
process.on('SIGINT', () => {});
// Also when the parent was killed.
process.on('disconnect', () => process.exit());
