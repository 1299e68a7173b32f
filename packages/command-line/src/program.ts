// A program of several commands: finds the command, runs it, and turns failures into messages and exit codes.

import { readdir, readFile } from 'node:fs/promises';
import { parse } from 'node:path';
import type { Io } from './io.js';
import { printable } from './printable.js';
import { UsageError } from './usage-error.js';

/** What each file of a command exports. Its name is the command's. */
export interface CommandModule {
  /** For the list of commands in `--help`. */
  readonly summary: string;
  /** @returns the exit code */
  run(args: readonly string[], io: Io): Promise<number>;
}

export interface ProgramOptions {
  /** The folder that holds one file per command, and nothing else; nothing but the folder has to know them. It lies two below the package's root. */
  readonly commands: URL;
  /** The command that runs where none is named. */
  readonly standard: string;
  /** Whether a first word that is not a command is an argument of the standard command; else it is a mistake. */
  readonly standardTakesArguments: boolean;
}

export interface Program {
  /**
   * Runs the program and never throws.
   *
   * @returns the exit code: 0, 2 for a mistake in the call, 130 after Ctrl-C, 1 for all other failures
   */
  main(args: readonly string[], io: Io): Promise<number>;
  /** What `--help`, if it is among the arguments, adds: every command but the standard one, what it does, and `--version`. */
  otherCommands(args: readonly string[]): Promise<string>;
}

export function defineProgram({ commands, standard, standardTakesArguments }: ProgramOptions): Program {
  const files = async () => {
    const sources = (await readdir(commands)).filter((name) => /(?<!\.d)\.[jt]s$/.test(name)).sort();
    return new Map(sources.map((file) => [parse(file).name, file]));
  };
  const load = (file: string): Promise<CommandModule> => import(new URL(file, commands).href);
  return {
    async main(args, io) {
      try {
        // pnpm hands on the `--` of `pnpm train -- --epochs 3`.
        const words = args[0] === '--' ? args.slice(1) : args;
        if (words.includes('--version')) {
          io.stdout.write(`${await versionOf(commands)}\n`);
          return 0;
        }
        const known = await files();
        const [first] = words;
        const isNamed = first !== undefined && known.has(first);
        if (!isNamed && !standardTakesArguments && first !== undefined && !first.startsWith('-')) {
          throw new UsageError(`unknown command '${first}'; the commands are ${[...known.keys()].join(', ')}`);
        }
        const command = await load(known.get(isNamed ? first : standard)!);
        return await command.run(isNamed ? words.slice(1) : words, io);
      } catch (error) {
        tell(error, io, args.includes('--json'));
        return error instanceof UsageError ? 2 : 1;
      }
    },
    async otherCommands(args) {
      // Else all commands would be loaded each time.
      if (!args.includes('--help') && !args.includes('-h')) return '';
      const others = [...(await files())].filter(([name]) => name !== standard);
      const line = async ([name, file]: [string, string]) => `  ${name.padEnd(10)} ${(await load(file)).summary}\n`;
      const lines = await Promise.all(others.map(line));
      const listed = lines.length === 0 ? '' : `\nOther commands, each with its own --help:\n${lines.join('')}`;
      return `${listed}\n--version prints the version.\n`;
    },
  };
}

/** `@bn/train 0.1.0` */
async function versionOf(commands: URL): Promise<string> {
  const { name, version } = JSON.parse(await readFile(new URL('../../package.json', commands), 'utf8'));
  return `${name} ${version}`;
}

/** Failures go to standard error; programs that read `--json` also get them as the last line. */
function tell(error: unknown, io: Io, json: boolean): void {
  const { name, code = '', message = `${error} was thrown` } = (error ?? {}) as Partial<Error & { code: string }>;
  const known = name === 'UsageError' || name === 'BnError';
  const text = known ? message : `${message}${adviceFor(code, message)} (BN_DEBUG=1 shows where)`;
  if (json) io.stdout.write(`${JSON.stringify({ type: 'error', code: known ? code : 'internal', message: text })}\n`);
  io.stderr.write(`error: ${printable(text)}\n`);
  if (io.env.BN_DEBUG === '1') io.stderr.write(`${stackOf(error)}\n`);
}

/** What to do about limits that are set for the process, which may show anywhere. */
function adviceFor(code: string, message: string): string {
  if (code === 'ERR_ACCESS_DENIED') return '; Node runs with --permission: allow that too, or leave it out';
  if (code !== 'ENOMEM' && !/out of memory|could not allocate|allocation failed/i.test(message)) return '';
  return '; memory is used up or limited: end other programs, or raise the limit (ulimit -v unlimited, the memory of the container)';
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? `${error.stack}` : `${error.stack}\ncaused by ${stackOf(error.cause)}`;
}
