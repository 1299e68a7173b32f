// Compares backends: each in a process of its own, all against the reference, step by step.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasExactMode, type Io, installedBackends, UsageError } from '@bn/command-line';
import { BnError } from '@bn/core';
import { shortPath } from '../run/describe-run.js';
import { Child } from './child.js';
import type { ParityDisplay } from './display.js';
import { type Exchange, exchangeIn } from './exchange.js';
import type { BackendRecord, Difference, ParityRecord } from './record.js';
import type { BackendChoice, ParitySettings } from './settings.js';
import type { Setup, Tasks } from './tasks.js';

/** Steps that the reference may be ahead of the slowest backend, so that the files do not fill the disk. */
const lead = 4;

/** A backend whose process is ready. */
interface Opened {
  readonly choice: BackendChoice;
  readonly child: Child;
  readonly about: ReturnType<Tasks['open']>;
}

/** @throws whatever goes wrong in the reference or in a backend that was named; those of the default list are left out */
export async function runParity(settings: ParitySettings, display: ParityDisplay, io: Io): Promise<ParityRecord> {
  const folder = await mkdtemp(join(tmpdir(), 'bn-parity-'));
  const children: Child[] = [];
  const start = (label: string) => {
    const child = new Child(label, io.env);
    children.push(child);
    return child;
  };
  const stop = () => {
    for (const child of children) child.stop();
  };
  io.signal.addEventListener('abort', stop);
  try {
    if (io.signal.aborted) throw new Error('stopped before the first step');
    const setup = { config: settings.config, workingFolder: io.cwd, exchange: folder };
    const reference = start('reference');
    // Opened first: what is wrong with model or data is told once, by the reference.
    const about = await reference.ask('open', { ...setup, backend: null });
    const backends = await openBackends(settings, setup, start, display, io);
    const described = {
      model: shortPath(settings.config.model, io.cwd),
      data: about.data,
      batchSize: settings.config.batchSize,
      steps: settings.steps,
    };
    display.start({ ...described, backends: backends.map(({ choice, about }) => ({ label: choice.label, ...about })) });
    return { ...described, ...(await compare(reference, backends, settings.steps, exchangeIn(folder), display)) };
  } finally {
    io.signal.removeEventListener('abort', stop);
    stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function openBackends(
  { backends, config }: ParitySettings,
  setup: Omit<Setup, 'backend'>,
  start: (label: string) => Child,
  display: ParityDisplay,
  { cwd }: Io,
): Promise<Opened[]> {
  const choices = backends ?? (await defaultBackends(cwd, config.exact));
  const opening = choices.map((choice) => {
    const child = start(choice.label);
    return { choice, child, about: child.ask('open', { ...setup, backend: choice }) };
  });
  const opened: Opened[] = [];
  for (const { choice, child, about } of opening) {
    try {
      opened.push({ choice, child, about: await about });
    } catch (error) {
      if (backends !== null || !(error instanceof BnError)) throw error;
      display.warning(`left out: ${error.message}`);
    }
  }
  if (opened.length > 0) return opened;
  throw new BnError('backend', 'none of the installed backends computes here; name one with --backends to see why');
}

async function defaultBackends(cwd: string, exact: boolean): Promise<BackendChoice[]> {
  const installed = await installedBackends(cwd);
  const names = installed.filter((name) => (exact ? hasExactMode(name) : name !== 'reference'));
  if (names.length === 0) throw new UsageError('no backend is installed but the reference; name some with --backends');
  return names.map((name) => ({ label: name, name }));
}

async function compare(
  reference: Child,
  backends: readonly Opened[],
  steps: number,
  exchange: Exchange,
  display: ParityDisplay,
): Promise<Pick<ParityRecord, 'losses' | 'backends'>> {
  // Their own trainings run while the reference is busy with its first steps.
  const trainings = backends.map(({ child }) => child.ask('train', steps));
  const losses: number[] = [];
  const differences = backends.map((): Difference[] => []);
  const compareStep = async (step: number): Promise<void> => {
    const found = await Promise.all(backends.map(({ child }) => child.ask('compare', step)));
    for (const [i, ofBackend] of found.entries()) differences[i]!.push(...ofBackend);
    await exchange.remove(step);
    display.step({
      step,
      loss: losses[step - 1]!,
      backends: found.map((ofBackend, i) => ({ label: backends[i]!.choice.label, differences: ofBackend })),
    });
  };
  const comparisons: Promise<void>[] = [];
  for (let step = 1; step <= steps; step++) {
    losses.push((await reference.ask('observe', step)).loss);
    const comparison = compareStep(step);
    comparison.catch(() => {}); // awaited below
    comparisons.push(comparison);
    if (step > lead) await comparisons[step - lead - 1];
  }
  await Promise.all(comparisons);
  const own = await Promise.all(trainings);
  const records = backends.map(({ choice, about: { device, engine } }, i): BackendRecord => {
    const engineToo = engine === undefined ? {} : { engine };
    return { label: choice.label, device, ...engineToo, differences: differences[i]!, losses: own[i]! };
  });
  return { losses, backends: records };
}
