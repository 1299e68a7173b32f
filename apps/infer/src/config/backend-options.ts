// The flags that choose what computes, the same for all commands.

import {
  type BackendValues,
  backendFlags,
  computeOptions,
  flagOption,
  type Io,
  requireExactMode,
} from '@bn/command-line';
import type { Command, OptionValues } from 'commander';
import type { OpenModelOptions } from '../model/open-model.js';

export function addBackendOptions(command: Command): void {
  for (const [name, flag] of Object.entries(backendFlags)) command.addOption(flagOption(`--${name}`, flag));
}

/**
 * What `openModel` takes, from a command's flags and the environment.
 *
 * @throws UsageError for a backend without the exact mode that was asked for
 */
export function backendOptions(flags: OptionValues, { cwd, env }: Io): OpenModelOptions {
  const given = flags as Partial<BackendValues>;
  const backend = given.backend ?? (env.BN_BACKEND || backendFlags.backend.preset);
  if (given.exact) requireExactMode(backend);
  return { backend, workingFolder: cwd, ...computeOptions(given) };
}
