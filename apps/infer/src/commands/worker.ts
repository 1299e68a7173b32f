// `worker`: does the shards of `bulk` that Redis hands out.

import {
  backendFlags,
  CheckedCommand,
  flagOption,
  type Io,
  joinQueue,
  parseCommand,
  type QueueFlags,
  queueFlags,
  wholeNumber,
} from '@bn/command-line';
import type { ShardFigures, ShardTask } from '../bulk/do-shards.js';
import { counted, speedOf } from '../bulk/progress.js';
import { shardQueue } from '../bulk/redis.js';
import { workerProcesses } from '../bulk/worker-process.js';
import { modelOptions } from '../config/model-options.js';

export const summary = 'predicts the images of bulk, by way of Redis';

interface WorkerFlags extends QueueFlags {
  readonly workers: number;
}

/** @returns 0 after Ctrl-C, which is how it ends */
export async function run(args: readonly string[], io: Io): Promise<number> {
  const command = new CheckedCommand('infer worker')
    .description(
      'Does shards of `infer bulk --redis`, on as many machines as there are, until Ctrl-C. It needs the folders of the output, the model and ' +
        'the images under the same paths. The unfinished shards of a worker that is killed go to the others.',
    )
    .checked('--workers', wholeNumber(1, 256), 'processes that work at a time', 1);
  queueFlags(command, shardQueue);
  for (const [name, flag] of Object.entries(backendFlags)) command.addOption(flagOption(`--${name}`, flag));
  command.addHelpText('after', notes);
  const flags = parseCommand(command, args, io);
  if (!flags) return 0;
  const { workers, ...given } = flags as WorkerFlags;
  const backend = modelOptions(flags, io);
  const { say, work } = await joinQueue(given, shardQueue, io);
  const idle = workerProcesses(workers, backend, say);
  const all = [...idle];
  try {
    await work<ShardTask, ShardFigures | null>(workers, async (task, { signal }) => {
      // There are never more tasks than processes.
      const worker = idle.pop()!;
      try {
        const figures = await worker.do(task, signal);
        if (figures) say(told(task, figures));
        return figures;
      } finally {
        idle.push(worker);
      }
    });
  } finally {
    for (const worker of all) worker.stop();
  }
  return 0;
}

function told({ folder, shard }: ShardTask, { images, milliseconds, waited }: ShardFigures): string {
  const figures = {
    ...{ images, seconds: milliseconds / 1000 },
    imagesPerSecond: images / (milliseconds / 1000),
    waitingForDecoding: waited / milliseconds,
  };
  return `shard ${shard} of ${folder}: ${images === 0 ? 'nothing to do' : `${counted(images)} images, ${speedOf(figures)}`}`;
}

const notes = `
Examples:
  pnpm infer worker --redis redis://localhost:6379
  pnpm infer worker --redis rediss://user:password@host:6380 --workers 4 --threads 1`;
