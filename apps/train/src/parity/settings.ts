// What `parity` is asked for beside knobs and steps: backends.

import { requireBackend, requireExactMode, UsageError } from '@bn/command-line';
import { readStepSettings, type StepFlags, type StepSettings } from '../config/step-settings.js';

/** A backend as users name it: `tfjs-cuda:wasm` is the engine `wasm` of `tfjs-cuda`. */
export interface BackendChoice {
  /** As it was given. */
  readonly label: string;
  readonly name: string;
  readonly engine?: string;
}

export interface ParitySettings extends StepSettings {
  /** Null: all that are installed, or with `exact` all that have such a mode. */
  readonly backends: readonly BackendChoice[] | null;
}

export type ParityFlags = StepFlags & { readonly backends?: readonly string[] };

/** @throws UsageError for backends that there are not, and for a file without a folder */
export async function readParitySettings({ backends, ...flags }: ParityFlags, cwd: string): Promise<ParitySettings> {
  // Without the environment: BN_BACKEND says what trains, and here several do.
  const settings = await readStepSettings(flags, { cwd, env: {} });
  const choices = backends === undefined ? null : await parseBackends(backends, cwd);
  if (settings.config.exact) for (const { name } of choices ?? []) requireExactMode(name);
  return { ...settings, backends: choices };
}

async function parseBackends(labels: readonly string[], cwd: string): Promise<BackendChoice[]> {
  const choices = labels.map((label): BackendChoice => {
    // The colon of C:\backends is followed by more than a name.
    const [, name, engine] = /^(.+):([\w.-]+)$/.exec(label) ?? [];
    return name && engine ? { label, name, engine } : { label, name: label };
  });
  const twice = choices.find(({ label }, i) => choices.findIndex((other) => other.label === label) < i);
  if (twice) throw new UsageError(`--backends: ${twice.label} is there twice; name each once`);
  for (const { name } of choices) await requireBackend(name, cwd);
  return choices;
}
