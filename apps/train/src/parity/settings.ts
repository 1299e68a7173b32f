// What `parity` is asked for: its own flags, and those of `train` that decide what is computed.

import { fileToWrite, findBackend, requireExactMode, UsageError } from '@bn/command-line';
import type { KnobName } from '../config/knobs.js';
import { type Flags, type RunConfig, readSettings } from '../config/settings.js';

/** A backend as users name it: `tfjs-cuda:wasm` is the engine `wasm` of `tfjs-cuda`. */
export interface BackendChoice {
  /** As it was given. */
  readonly label: string;
  readonly name: string;
  readonly engine?: string;
}

export interface ParitySettings {
  readonly config: RunConfig;
  /** Null: all that are installed, or with `exact` all that have such a mode. */
  readonly backends: readonly BackendChoice[] | null;
  readonly steps: number;
  /** File for the heat map, absolute. */
  readonly html: string | null;
  readonly json: boolean;
}

/** The flags of `train` that parity takes too. */
export const sharedKnobs: readonly KnobName[] = [
  'model',
  'data',
  'limit',
  'batchSize',
  'learningRate',
  'seed',
  'device',
  'threads',
  'exact',
];

/** The flags of `train` that parity takes too, and its own. */
export type ParityFlags = Flags & {
  readonly backends?: readonly string[];
  readonly steps: number;
  readonly html?: string;
};

/** @throws UsageError for backends that there are not, and for a file without a folder */
export async function readParitySettings(
  { backends, steps, html, json = false, ...shared }: ParityFlags,
  cwd: string,
): Promise<ParitySettings> {
  // Without the environment: BN_BACKEND says what trains, and here several do.
  const { config } = await readSettings(shared, { cwd, env: {} });
  const choices = backends === undefined ? null : parseBackends(backends, cwd);
  if (config.exact) for (const { name } of choices ?? []) requireExactMode(name);
  return {
    config,
    backends: choices,
    steps,
    html: html === undefined ? null : fileToWrite('--html', html, cwd),
    json,
  };
}

function parseBackends(labels: readonly string[], cwd: string): BackendChoice[] {
  const choices = labels.map((label): BackendChoice => {
    // The colon of C:\backends is followed by more than a name.
    const [, name, engine] = /^(.+):([\w.-]+)$/.exec(label) ?? [];
    return name && engine ? { label, name, engine } : { label, name: label };
  });
  const twice = choices.find(({ label }, i) => choices.findIndex((other) => other.label === label) < i);
  if (twice) throw new UsageError(`--backends: ${twice.label} is there twice; name each once`);
  for (const { label, name } of choices) {
    if (!findBackend(name, cwd)) {
      throw new UsageError(`--backends: there is no backend '${label}'; give names of packages, or paths`);
    }
  }
  return choices;
}
