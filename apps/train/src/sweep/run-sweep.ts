// A whole sweep: gives out trials, notes what comes of them, and ends with the best ones beside each other.

import { type Io, isMachineFault, stopCode, version } from '@bn/command-line';
import type { RedisConnection } from '@bn/command-line/tasks';
import { startDashboard } from '../dashboard/dashboard.js';
import { invocation } from '../display/invocation.js';
import { shortPath } from '../run/describe-run.js';
import { lockRun } from '../run/lock-run.js';
import { bringTo, type Reached, type Task } from './bring-to.js';
import { figureText, type SweepDisplay, sweepDisplay } from './display.js';
import { localRunner, type Runner } from './local-runner.js';
import { writeOutcome } from './outcome.js';
import { SweepProgress } from './progress.js';
import { keyOf, Scheduler, type Stage } from './scheduler.js';
import type { Sweep } from './sweep-file.js';
import { appendEntry, type Entry, openJournal, type SweepFolder, writeTrials } from './sweep-folder.js';

export interface SweepOptions {
  readonly folder: SweepFolder;
  readonly sweep: Sweep;
  /** Trials at a time on this machine, and threads of each, where the settings do not say how many. */
  readonly workers: number;
  readonly threads: number;
  /** Where workers take the trials from; null to train them here. */
  readonly redis: { readonly connection: RedisConnection; readonly queue: string } | null;
  readonly dashboard: number | null;
  readonly json: boolean;
}

/** @returns the exit code: 0 if every trial came to a result */
export async function runSweep(options: SweepOptions, io: Io): Promise<number> {
  const { folder, sweep, json } = options;
  const unlock = await lockRun(folder.path);
  try {
    await writeTrials(folder, sweep);
    const { id, entries } = await openJournal(folder);
    const scheduler = new Scheduler(sweep);
    const progress = new SweepProgress(sweep);
    // What has failed is tried again.
    for (const entry of entries.filter(({ type }) => type !== 'failed')) note(entry, scheduler, progress);
    const display = sweepDisplay(progress, json, io.stdout);
    try {
      const failure = await giveOut({ ...options, id, scheduler, progress, display }, io);
      if (failure || io.signal.aborted) {
        const path = shortPath(folder.path, io.cwd);
        const where = options.redis ? ` --redis ${options.redis.connection.name}` : '';
        const resume = `--resume ${/\s/.test(path) ? `"${path}"` : path}${where}`;
        display.message(`stopped; continue with: ${invocation} sweep ${resume}`);
        if (failure) throw failure;
        return stopCode(io.signal);
      }
    } finally {
      display.close();
    }
    await writeOutcome(folder, progress, json, io);
    return progress.count('failed') === 0 ? 0 : 1;
  } finally {
    await unlock();
  }
}

function note(entry: Entry, scheduler: Scheduler, progress: SweepProgress): void {
  const { trial, epochs } = entry;
  if (entry.type === 'failed') scheduler.drop(trial, epochs);
  else scheduler.settle(trial, epochs, entry.type === 'result' ? entry.figure : null);
  progress.entry(entry);
}

interface Going extends SweepOptions {
  readonly id: string;
  readonly scheduler: Scheduler;
  readonly progress: SweepProgress;
  readonly display: SweepDisplay;
}

/** Until nothing is left to do, or the signal. @returns what nothing can go on after; null for nothing */
async function giveOut(going: Going, io: Io): Promise<Error | null> {
  const { folder, scheduler, progress, display, sweep } = going;
  const watch = going.dashboard === null ? null : await startDashboard(going.dashboard);
  if (watch) display.message(`the dashboard is at ${watch.url}`);
  const stop = new AbortController();
  const signal = AbortSignal.any([io.signal, stop.signal]);
  const onEpoch = (trial: string, epoch: number) => {
    progress.epoch(trial, epoch);
    watch?.show(folder.run(progress.best?.id ?? trial), progress.epochsOf(trial));
    watch?.say(summaryText(progress));
  };
  const runner = await (going.redis ? remoteRunner(going, onEpoch) : hereRunner(going, onEpoch, signal, io));
  let failure: Error | null = null;
  let writing = Promise.resolve();
  try {
    await new Promise<void>((resolve) => {
      const given = new Set<string>();
      const fail = (error: Error) => {
        failure ??= error;
        stop.abort();
      };
      signal.addEventListener('abort', () => resolve());
      const settle = (entry: Entry) => {
        writing = writing
          .then(() => appendEntry(folder, entry))
          .then(() => {
            note(entry, scheduler, progress);
            display.entry(entry);
            watch?.say(summaryText(progress));
            giveNext();
          })
          .catch(fail);
      };
      const give = async ({ trial, until, priority }: Stage) => {
        const what = () => ({ trial: trial.id, epochs: until, at: new Date().toISOString() });
        try {
          const reached = await runner.run(keyOf(trial.id, until), { run: folder.run(trial.id), until }, priority);
          if (signal.aborted || !reached) return;
          if ('diverged' in reached) settle({ type: 'diverged', ...what(), message: reached.diverged });
          else settle({ type: 'result', ...what(), figure: sweep.metric.of(reached.figures) });
        } catch (error) {
          if (signal.aborted) return;
          const { message } = error as Error;
          if (isMachineFault(error)) fail(Object.assign(error, { message: `trial ${trial.id}: ${message}` }));
          else settle({ type: 'failed', ...what(), message });
        }
      };
      const giveNext = () => {
        if (scheduler.pending.length === 0) resolve();
        for (const stage of scheduler.pending) {
          const key = keyOf(stage.trial.id, stage.until);
          if (!given.has(key)) void give(stage);
          given.add(key);
        }
      };
      if (signal.aborted) resolve();
      else giveNext();
    });
  } finally {
    stop.abort();
    await runner.close();
    // What came as the signal did is noted before the end is told.
    await writing;
    await watch?.close('The sweep has ended.');
  }
  return failure;
}

type TrialRunner = Runner<Task, Reached | null>;
type OnEpoch = (trial: string, epoch: number) => void;

function hereRunner({ workers, threads }: Going, onEpoch: OnEpoch, signal: AbortSignal, { cwd, env }: Io): TrialRunner {
  return localRunner(workers, (id, task) => {
    const [trial = ''] = id.split('-');
    onEpoch(trial, 0);
    return bringTo(task, { cwd, env, threads, signal, onEpoch: (epoch) => onEpoch(trial, epoch) });
  });
}

async function remoteRunner({ redis, id: owner, display }: Going, onEpoch: OnEpoch): Promise<TrialRunner> {
  const { giveTasks } = await import('@bn/command-line/tasks');
  const { connection, queue } = redis!;
  return giveTasks<Task, Reached>(connection, {
    ...{ queue, owner, version, say: display.message, worker: `${invocation} worker` },
    onProgress: (id, progress) => onEpoch(id.split('-')[0]!, (progress as { epoch: number }).epoch),
  });
}

function summaryText(progress: SweepProgress): string {
  const { trials, metric, best } = progress;
  const running = progress.count('running');
  const seen = trials.length - running - progress.count('waiting');
  const text = `${seen} of ${trials.length} trials have a result, ${running} running`;
  return best ? `${text}; the best is ${best.id} with ${metric.name} ${figureText(best.figure)}` : text;
}
