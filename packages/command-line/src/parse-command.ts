// Reads a command's flags: help goes to standard output, mistakes become UsageErrors.

import { type Command, CommanderError, type Option, type OptionValues } from 'commander';
import type { Io } from './io.js';
import { UsageError } from './usage-error.js';

/** @returns the flags, or null if help was asked for, and written */
export function parseCommand(command: Command, args: readonly string[], { stdout }: Io): OptionValues | null {
  command.exitOverride().configureHelp({ optionDescription: withDefault });
  command.configureOutput({
    writeOut: (text) => stdout.write(text),
    writeErr: () => {},
    getOutHelpWidth: () => Math.min(stdout.columns ?? 100, 120),
  });
  try {
    command.parse(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return null;
    const message = error.message
      .replace(/^error: /, '')
      .replace('\n', ' ')
      .replace(/\.$/, '');
    throw new UsageError(`${message}; --help lists the flags`);
  }
  return command.opts();
}

/** As descriptions give what happens without an option that has no default. */
function withDefault({ description, defaultValue }: Option): string {
  return defaultValue === undefined ? description : `${description} [default ${defaultValue}]`;
}
