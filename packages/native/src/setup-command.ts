// The command line of a backend package's setup, its name, and what helps where it does not run.

import { parseArgs } from 'node:util';
import { BnError } from '@bn/core';
import { narrator } from './narrator.js';
import { isManylinux, platformName } from './platform.js';
import type { Setup } from './setup-options.js';

/** The flags of a setup, for `--help`. */
export const setupFlags = {
  cuda: 'with CUDA, for NVIDIA GPUs',
  remove: 'delete what an earlier setup installed, instead',
  'dry-run': 'only say what would be fetched, how large it is, under which licence, and where it goes',
} as const;

/** Runs `setup` as a program of its own, and sets the exit code: 0, 2 for a mistake in the call, 130 after Ctrl-C, else 1. */
export async function runSetupCommand(name: string, setup: Setup): Promise<void> {
  const flags = readFlags(name);
  if (!flags) return;
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  try {
    const { cuda, remove, 'dry-run': dryRun } = flags;
    await setup({ cuda, remove, dryRun, signal: stop.signal, ...narrator(process.stdout) });
  } catch (error) {
    const message = stop.signal.aborted ? 'stopped; the same command resumes' : (error as Error).message;
    console.error(`error: ${message}`);
    process.exitCode = stop.signal.aborted ? 130 : 1;
  }
}

function readFlags(name: string) {
  try {
    const options = { cuda: { type: 'boolean' }, remove: { type: 'boolean' }, 'dry-run': { type: 'boolean' } } as const;
    const { values } = parseArgs({ options: { ...options, help: { type: 'boolean', short: 'h' } } });
    if (!values.help) return values;
    const lines = Object.entries(setupFlags).map(([flag, text]) => `  --${flag.padEnd(9)} ${text}`);
    console.log([`Usage: ${name} [options]`, '', ...lines].join('\n'));
  } catch (error) {
    console.error(`error: ${(error as Error).message}`);
    process.exitCode = 2;
  }
  return undefined;
}

/** What helps where a package's setup would, or refuses to run. */
export interface SetupAdvice {
  /** `verb` by the command for these flags; on a platform that the setup refuses, what works there. */
  cure(verb: string, flags?: string): string;
  /** @throws BnError `unsupported` on such a platform */
  requirePlatform(): void;
}

/**
 * @param folder of the package's modules: `import.meta.dirname`
 * @param backend `tfjs` or `onnxruntime`
 * @param elsewhere what to do on other platforms than Linux x64 with glibc
 */
export function setupAdvice(folder: string, backend: string, elsewhere: string): SetupAdvice {
  // The package's own program where the package is installed, else, in this repository, the training program's command.
  const installed = /[/\\]node_modules[/\\]/.test(folder);
  const command = installed ? `npx --no-install bn-${backend}-setup` : `npx -y pnpm@12.21.0 train setup ${backend}`;
  return {
    cure: (verb, flags = '') => (isManylinux() ? `${verb}: ${`${command} ${flags}`.trim()}` : elsewhere),
    requirePlatform() {
      if (isManylinux()) return;
      const words = `the setup is for Linux x64 with glibc, and this is ${platformName()}; ${elsewhere}`;
      throw new BnError('unsupported', words);
    },
  };
}
