// The command line: finds the command, runs it, and turns failures into messages and exit codes.

import { commandNames, importCommand } from './command-files.js';
import { printable } from './display/format.js';
import type { Io } from './io.js';
import { UsageError } from './usage-error.js';

/**
 * Runs the program and never throws. Without the name of a command it is `train`.
 *
 * @returns the exit code: 0, 2 for a mistake in the call, 130 after Ctrl-C, 1 for all other failures
 */
export async function main(args: readonly string[], io: Io): Promise<number> {
  try {
    // pnpm hands on the `--` of `pnpm train -- --epochs 3`.
    const words = args[0] === '--' ? args.slice(1) : args;
    const named = words[0] !== undefined && !words[0].startsWith('-');
    const name = named ? words[0]! : 'train';
    const names = await commandNames();
    if (!names.includes(name)) {
      throw new UsageError(`unknown command '${name}'; the commands are ${names.join(', ')}`);
    }
    const command = await importCommand(name);
    return await command.run(named ? words.slice(1) : words, io);
  } catch (error) {
    tell(error as Error, io, args.includes('--json'));
    return error instanceof UsageError ? 2 : 1;
  }
}

/** Failures go to standard error; programs that read `--json` also get them as the last line. */
function tell(error: Error, io: Io, json: boolean): void {
  const known = error.name === 'UsageError' || error.name === 'BnError';
  const code = known ? (error as Error & { code: string }).code : 'internal';
  const message = known ? error.message : `${error.message} (BN_DEBUG=1 shows where)`;
  if (json) io.stdout.write(`${JSON.stringify({ type: 'error', code, message })}\n`);
  io.stderr.write(`error: ${printable(message)}\n`);
  if (io.env.BN_DEBUG === '1') io.stderr.write(`${stackOf(error)}\n`);
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? `${error.stack}` : `${error.stack}\ncaused by ${stackOf(error.cause)}`;
}
