// The commands: each is a file in commands/, and nothing else has to know it.

import { readdir } from 'node:fs/promises';
import { extname, parse } from 'node:path';
import type { Io } from './io.js';

/** What each file in commands/ exports. Its name is the command's. */
export interface CommandModule {
  /** For the list of commands in `--help`. */
  readonly summary: string;
  /** @returns the exit code */
  run(args: readonly string[], io: Io): Promise<number>;
}

const folder = new URL('commands/', import.meta.url);

/** Names of all commands. */
export async function commandNames(): Promise<string[]> {
  const files = (await readdir(folder)).filter((name) => /(?<!\.d)\.[jt]s$/.test(name));
  return files.map((name) => parse(name).name).sort();
}

export function importCommand(name: string): Promise<CommandModule> {
  return import(new URL(name + extname(import.meta.filename), folder).href);
}

/** For `--help`: every command but `name`, and what it does. */
export async function otherCommands(name: string): Promise<string> {
  const others = (await commandNames()).filter((other) => other !== name);
  const lines = await Promise.all(
    others.map(async (other) => `  ${other.padEnd(10)} ${(await importCommand(other)).summary}\n`),
  );
  return lines.length === 0 ? '' : `\nOther commands, each with its own --help:\n${lines.join('')}`;
}
