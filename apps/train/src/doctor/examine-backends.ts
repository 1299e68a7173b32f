// What each installed backend has, loads and computes.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import {
  automatic,
  type BackendModule,
  importBackend,
  installCommand,
  installedBackends,
  optionalBackends,
} from '@bn/command-line';
import type { Diagnosis } from '@bn/core';
import type { Trial } from './try-backend.js';

export interface ExaminedBackend {
  readonly name: string;
  /** By device and engine, as the backend lists them, best first. */
  readonly devices: readonly ExaminedDevice[];
  /** The command that installs the backend, which is not. */
  readonly install?: string;
}

export interface ExaminedDevice extends Diagnosis {
  /** Whether it is available, and a training step on it gave the reference backend's numbers. */
  readonly computes: boolean;
  /** From the start of the process to the end of the training, in seconds; null if it was not tried. */
  readonly seconds: number | null;
}

/** @throws the signal's reason when it is aborted */
export async function examineBackends(workingFolder: string, signal: AbortSignal): Promise<ExaminedBackend[]> {
  const examined: ExaminedBackend[] = [];
  // One after the other: they would disturb each other's times.
  const installed = await installedBackends(workingFolder);
  for (const name of installed) {
    const { file, module } = await importBackend(name, workingFolder);
    const devices: ExaminedDevice[] = [];
    for (const diagnosis of await diagnosesOf(module)) {
      devices.push(await examineDevice(file, diagnosis, signal));
      signal.throwIfAborted();
    }
    examined.push({ name, devices });
  }
  const absent = optionalBackends.filter((name) => !installed.includes(name));
  return [...examined, ...absent.map((name) => ({ name, devices: [], install: installCommand(`@bn/${name}`) }))];
}

/** What a training takes where no backend is named. */
export function automaticChoice(backends: readonly ExaminedBackend[]): { backend: string; device: 'cuda' | 'cpu' } {
  const onCuda = automatic.cuda.find((name) =>
    backends.some((b) => b.name === name && b.devices.some(({ device, computes }) => device === 'cuda' && computes)),
  );
  return onCuda === undefined ? { backend: automatic.cpu, device: 'cpu' } : { backend: onCuda, device: 'cuda' };
}

async function diagnosesOf(module: BackendModule): Promise<readonly Diagnosis[]> {
  return module.diagnose?.() ?? [{ device: 'cpu', available: true, detail: 'loads' }];
}

async function examineDevice(file: string, diagnosis: Diagnosis, signal: AbortSignal): Promise<ExaminedDevice> {
  if (!diagnosis.available) return { ...diagnosis, computes: false, seconds: null };
  const started = performance.now();
  const outcome = await tryInChild(file, diagnosis, signal);
  const seconds = (performance.now() - started) / 1000;
  return { ...diagnosis, ...judge(diagnosis.detail, outcome), seconds };
}

/** Rounding, with TF32 at its coarsest, stays well below; a wrong kernel does not. */
const tolerance = 0.02;

export function judge(detail: string, outcome: Trial | { readonly failure: string }) {
  if ('failure' in outcome) {
    return { computes: false, detail: `a training step fails: ${outcome.failure}; use another device or backend` };
  }
  if (outcome.difference <= tolerance) return { computes: true, detail };
  const problem = `gives other numbers than the reference backend (by ${outcome.difference.toPrecision(2)})`;
  return { computes: false, detail: `a training step ${problem}; use another device, and report it` };
}

const secondsAllowed = 120;

/** In a process of its own: a native library can end it. */
function tryInChild(
  file: string,
  { device, engine }: Diagnosis,
  signal: AbortSignal,
): Promise<Trial | { failure: string }> {
  const program = fileURLToPath(new URL('./try-backend.js', import.meta.url));
  const args = [program, file, JSON.stringify({ device, engine })];
  return new Promise((resolve) => {
    const options = { timeout: secondsAllowed * 1000, maxBuffer: 1e8, signal };
    execFile(process.execPath, args, options, (error, stdout, stderr) => {
      // Libraries may print before it.
      const last = stdout.trim().split('\n').at(-1) ?? '';
      if (!error && last.startsWith('{')) return resolve(JSON.parse(last));
      const said = stderr.trim().split('\n').at(-1);
      const failure = error?.signal ? `the process was ended by ${error.signal}` : said;
      resolve({ failure: failure || 'it ended without a message' });
    });
  });
}
