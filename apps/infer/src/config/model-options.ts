// The flags that say how a model is opened, the same for all commands: what computes, and what the file does not say itself.

import {
  type BackendValues,
  backendFlags,
  checkedOption,
  computeOptions,
  flagOption,
  type Io,
  oneOf,
  requireExactMode,
  text,
} from '@bn/command-line';
import { outputKinds, pixelForms } from '@bn/core';
import type { SignatureOptions } from '@bn/onnx';
import type { Command, OptionValues } from 'commander';
import type { OpenModelOptions } from '../model/open-model.js';

export function addModelOptions(command: Command): void {
  const options = [
    checkedOption('--output', text('<name>'), 'the output that counts, where a file has several'),
    checkedOption('--gives', oneOf(...outputKinds), 'what it is, where the file does not show it'),
    checkedOption('--pixels', oneOf(...pixelForms), 'what black to white is for the model, likewise'),
  ];
  for (const option of options) command.addOption(option);
  for (const [name, flag] of Object.entries(backendFlags)) command.addOption(flagOption(`--${name}`, flag));
}

/**
 * What `openModel` takes, from a command's flags and the environment.
 *
 * @throws UsageError for a backend without the exact mode that was asked for
 */
export function modelOptions(flags: OptionValues, { cwd, env }: Io): OpenModelOptions {
  const given = flags as Partial<BackendValues> & SignatureOptions;
  const backend = given.backend ?? (env.BN_BACKEND || backendFlags.backend.preset);
  if (given.exact) requireExactMode(backend);
  const { output, gives, pixels } = given;
  const signature = { ...(output && { output }), ...(gives && { gives }), ...(pixels && { pixels }) };
  return { backend, workingFolder: cwd, ...signature, ...computeOptions(given) };
}
