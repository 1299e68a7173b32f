// The flags that choose what computes, the same for all commands.

import { checkedOption, type Io, oneOf, text, wholeNumber } from '@bn/command-line';
import type { BackendOptions } from '@bn/core';
import type { Command, OptionValues } from 'commander';
import type { OpenModelOptions } from '../model/open-model.js';

/** CUDA where it computes; and on the CPU, of few examples at a time, ONNX Runtime makes most in a second. */
const defaultBackend = 'onnxruntime-cuda';

export function addBackendOptions(command: Command): void {
  const about = `what computes: a package @bn/<name>, another package, a path, or auto as in training; also by BN_BACKEND [default ${defaultBackend}: fast with few images at a time]`;
  command
    .addOption(checkedOption('--backend', text('<name>'), about))
    .addOption(
      checkedOption(
        '--device',
        oneOf('auto', 'cuda', 'webgpu', 'cpu'),
        'where [default auto: CUDA if it computes, else the CPU]',
      ),
    )
    .addOption(
      checkedOption(
        '--engine',
        text('<name>'),
        'which of several engines of the backend [default: the fastest that computes]',
      ),
    )
    .addOption(checkedOption('--threads', wholeNumber(1, 1024), "threads on the CPU [default: the backend's choice]"));
}

/** What `openModel` takes, from a command's flags and the environment. */
export function backendOptions(flags: OptionValues, { cwd, env }: Io): OpenModelOptions {
  const { backend, device, engine, threads } = flags as BackendOptions & { backend?: string };
  return {
    backend: backend ?? (env.BN_BACKEND || defaultBackend),
    workingFolder: cwd,
    ...(device && { device }),
    ...(engine !== undefined && { engine }),
    ...(threads !== undefined && { threads }),
  };
}
