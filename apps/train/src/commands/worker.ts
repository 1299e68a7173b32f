// `worker`: trains the trials of sweeps that Redis hands out.

import { availableParallelism } from 'node:os';
import {
  CheckedCommand,
  type Io,
  joinQueue,
  parseCommand,
  type QueueFlags,
  queueFlags,
  wholeNumber,
} from '@bn/command-line';
import { invocation } from '../display/invocation.js';
import { shortPath } from '../run/describe-run.js';
import { bringTo, type Reached, type Task, trialQueue } from '../sweep/bring-to.js';

export const summary = 'trains the trials of sweeps, by way of Redis';

export async function run(args: readonly string[], io: Io): Promise<number> {
  const command = new CheckedCommand('train worker')
    .description(
      'Trains trials of sweeps that are started with --redis, on as many machines as there are, until Ctrl-C. It needs the folder of the sweep and ' +
        "the data under the same paths. A worker's unfinished trials go to the others.",
    )
    .checked('--workers', wholeNumber(1, 1024), 'trials at a time [default: as many as processors]');
  queueFlags(command, trialQueue);
  command.addHelpText('after', notes);
  const flags = parseCommand(command, args, io) as (QueueFlags & { workers?: number }) | null;
  if (!flags) return 0;
  const { say, work } = await joinQueue(flags, trialQueue, io);
  const { cwd, env } = io;
  const processors = availableParallelism();
  const concurrency = flags.workers ?? processors;
  const threads = Math.max(1, Math.floor(processors / concurrency));
  await work<Task, Reached | null>(concurrency, async ({ run, until }, { signal, progress }) => {
    const name = `${shortPath(run, cwd)} to epoch ${until}`;
    say(`${name}: begun`);
    progress({ epoch: 0 });
    const reached = await bringTo(
      { run, until },
      { cwd, env, threads, signal, onEpoch: (epoch) => progress({ epoch }) },
    );
    say(`${name}: ${reached === null ? 'given back' : 'diverged' in reached ? reached.diverged : 'done'}`);
    return reached;
  });
  return 0;
}

const notes = `
Examples:
  ${invocation} worker --redis redis://localhost:6379
  ${invocation} worker --redis rediss://user:password@host:6380 --workers 1`;
