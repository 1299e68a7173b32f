// `setup`: installs what a backend needs beyond its npm packages.

import { findBackend, type Io, importBackend, optionalBackends, parseCommand, UsageError } from '@bn/command-line';
import { narrator, setupFlags } from '@bn/native';
import { Command } from 'commander';
import { invocation } from '../display/invocation.js';

export const summary = 'install the native libraries of a backend: setup tfjs, setup onnxruntime --cuda';

export async function run(args: readonly string[], io: Io): Promise<number> {
  const command = new Command('train setup')
    .description("Installs the native libraries that a backend can compute with, in the user's cache (BN_NATIVE_DIR).")
    .argument('<backend>', 'tfjs, onnxruntime, or another backend that has a setup')
    .addHelpText('after', `\nWhat is there, and what is missing: ${invocation} doctor`);
  for (const [flag, text] of Object.entries(setupFlags)) command.option(`--${flag}`, text);
  const flags = parseCommand(command, args, io);
  if (!flags) return 0;

  const name = command.args[0]!;
  const full = `${name}-cuda`;
  const known = findBackend(full, io.cwd) || optionalBackends.some((ours) => ours === full) ? full : name;
  const { module } = await importBackend(known, io.cwd);
  if (!module.setup)
    throw new UsageError(`the backend ${known} has no setup: it needs nothing beyond its npm packages`);
  try {
    const { cuda, remove, dryRun } = flags;
    await module.setup({ cuda, remove, dryRun, signal: io.signal, ...narrator(io.stdout) });
    return 0;
  } catch (error) {
    if (!io.signal.aborted) throw error;
    io.stderr.write('stopped; the same command resumes\n');
    return 130;
  }
}
