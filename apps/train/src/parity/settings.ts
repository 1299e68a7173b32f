// What `parity` is asked for: its own flags, and those of `train` that decide what is computed.

import { findBackend, text, toggle, UsageError, wholeNumber } from '@bn/command-line';
import type { KnobName } from '../config/knobs.js';
import { checkedFlag, fileToWrite } from '../config/own-flags.js';
import type { Flags } from '../config/read-values.js';
import { type RunConfig, readSettings } from '../config/settings.js';

/** A backend as users name it: `tfjs-cuda:wasm` is the engine `wasm` of `tfjs-cuda`. */
export interface BackendChoice {
  /** As it was given. */
  readonly label: string;
  readonly name: string;
  readonly engine?: string;
}

export interface ParitySettings {
  readonly config: RunConfig;
  /** Null: all that are installed. */
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
];

export const defaultSteps = 20;

/** @throws UsageError for values that are none, and for backends that there are not */
export async function readParitySettings(flags: Flags, cwd: string): Promise<ParitySettings> {
  const { backends, steps, html, json, ...shared } = flags;
  // Without the environment: BN_BACKEND says what trains, and here several do.
  const { config } = await readSettings(shared, { cwd, env: {} });
  return {
    config,
    backends: backends === undefined ? null : parseBackends(checkedFlag(text('<names>'), 'backends', backends), cwd),
    steps: steps === undefined ? defaultSteps : checkedFlag(wholeNumber(1), 'steps', steps),
    html: html === undefined ? null : fileToWrite(checkedFlag(text('<file>'), 'html', html), cwd),
    json: json === undefined ? false : checkedFlag(toggle, 'json', json),
  };
}

function parseBackends(list: string, cwd: string): BackendChoice[] {
  const choices = list.split(',').map((entry): BackendChoice => {
    const label = entry.trim();
    // The colon of C:\backends is followed by more than a name.
    const [, name, engine] = /^(.+):([\w.-]+)$/.exec(label) ?? [];
    return name && engine ? { label, name, engine } : { label, name: label };
  });
  if (choices.some(({ label }) => label === '')) {
    throw new UsageError(`--backends '${list}': a name is empty; give names with a comma between two`);
  }
  const twice = choices.find(({ label }, i) => choices.findIndex((other) => other.label === label) < i);
  if (twice) throw new UsageError(`--backends: ${twice.label} is there twice; name each once`);
  for (const { label, name } of choices) {
    if (!findBackend(name, cwd)) {
      throw new UsageError(`--backends: there is no backend '${label}'; give names of packages, or paths`);
    }
  }
  return choices;
}
