// Trains twice, step by step in turn: profiled, and as it is, so that it is known what profiling costs.

import { setImmediate } from 'node:timers/promises';
import {
  computeOptions,
  type Io,
  importBackend,
  installedBackends,
  median,
  openBackend,
  UsageError,
} from '@bn/command-line';
import { type Backend, type BackendOptions, createGraph, type Graph, input, ops } from '@bn/core';
import type { RunConfig } from '../config/settings.js';
import type { StepSettings } from '../config/step-settings.js';
import { loadSteps } from '../load/load-steps.js';
import { shortPath } from '../run/describe-run.js';
import { type ProfileRecord, warmUpSteps } from './record.js';
import { startTraining } from './timed-training.js';

/** @throws UsageError if the backend does not report; BnError for what is wrong with model, data or training; when stopped */
export async function runProfile(settings: StepSettings, io: Io): Promise<ProfileRecord> {
  const { config } = settings;
  const profiled = await open(config, io.cwd, { profile: { skippedRuns: warmUpSteps } });
  try {
    if (!(await reports(profiled))) throw new UsageError(await cannotReport(profiled.name, io.cwd));
    const plain = await open(config, io.cwd, {});
    try {
      return await measure(settings, profiled, plain, io);
    } finally {
      await plain.dispose();
    }
  } finally {
    await profiled.dispose();
  }
}

async function open(config: RunConfig, cwd: string, options: BackendOptions): Promise<Backend> {
  const opened = await openBackend(config.backend, cwd, { ...computeOptions(config), ...options });
  return opened.backend;
}

async function cannotReport(name: string, cwd: string): Promise<string> {
  const others = (await reportingBackends(cwd)).join(', ') || 'none';
  return `--backend ${name}: it does not report where its time goes; installed backends that do: ${others}`;
}

/** Names of the installed backends that do, tried on the CPU. */
async function reportingBackends(workingFolder: string): Promise<string[]> {
  const names: string[] = [];
  for (const name of await installedBackends(workingFolder)) {
    const { module } = await importBackend(name, workingFolder);
    const options: BackendOptions = { device: 'cpu', threads: 1, profile: { skippedRuns: 0 } };
    // One that does not compute here does not report either.
    const backend = await module.createBackend(options).catch(() => null);
    if (backend && (await reports(backend).catch(() => false))) names.push(name);
    await backend?.dispose();
  }
  return names;
}

/** Whether a backend that was created with `profile` does. */
async function reports(backend: Backend): Promise<boolean> {
  const executable = await backend.compile(createGraph({ y: ops.neg(input('x', [1])) }));
  await executable.dispose();
  return executable.report !== undefined;
}

async function measure(
  { config, steps }: StepSettings,
  profiled: Backend,
  plain: Backend,
  { cwd, signal }: Io,
): Promise<ProfileRecord> {
  const loaded = await loadSteps(config, cwd);
  // One after the other: compilations are timed.
  const trainings = [await startTraining(loaded, profiled, config), await startTraining(loaded, plain, config)];
  const seconds = trainings.map((): number[] => []);
  for (let step = 0; step < warmUpSteps + steps; step++) {
    for (const [i, training] of trainings.entries()) {
      // Lets signals in: a backend that computes in JavaScript never waits for anything.
      await setImmediate();
      signal.throwIfAborted();
      seconds[i]!.push(await training.step());
    }
  }
  const { graph, executable, compileSeconds } = trainings[0]!.compiled[0]!;
  const [counted, unprofiled] = seconds.map((all) => all.slice(warmUpSteps));
  const { name, device, engine } = profiled;
  return {
    model: shortPath(config.model, cwd),
    data: loaded.description,
    ...{ backend: name, device: device.description, ...(engine !== undefined && { engine }) },
    ...{ batchSize: Math.min(config.batchSize, loaded.train.length), steps, compileSeconds },
    stepSeconds: counted!.reduce((sum, n) => sum + n, 0) / steps,
    medianSeconds: { profiled: median(counted!), plain: median(unprofiled!) },
    layers: layersOf(graph),
    report: await executable.report!(),
  };
}

/** In the order in which they are done on the way to the loss, which is the network's; last what is outside all layers. */
function layersOf({ nodes, outputs }: Graph): string[] {
  // Outputs are computed in their order, the loss first.
  const end = nodes.indexOf(outputs.get('loss')!) + 1;
  const done = nodes.slice(0, end).map(({ origin }) => origin.layer);
  const layers = new Set([...done.reverse()].filter((layer) => layer !== ''));
  const others = nodes.slice(end).map(({ origin }) => origin.layer);
  return [...new Set([...[...layers].reverse(), ...others.filter((layer) => layer !== '')]), ''];
}
