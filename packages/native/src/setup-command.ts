// The command line of a backend package's setup, and its name.

import { parseArgs } from 'node:util';
import { narrator } from './narrator.js';
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

/**
 * What to type to run a setup: the package's own program where the package is installed, else, in this repository, the
 * training program's command.
 *
 * @param folder of the package's modules: `import.meta.dirname`
 * @param backend `tfjs` or `onnxruntime`
 */
export function setupCommandLine(folder: string, backend: string, flags = ''): string {
  const installed = /[/\\]node_modules[/\\]/.test(folder);
  const command = installed ? `npx --no-install bn-${backend}-setup` : `npx -y pnpm@12.21.0 train setup ${backend}`;
  return `${command} ${flags}`.trim();
}
