// Knob values from the command line, the environment and configuration files, checked.

import { readFile } from 'node:fs/promises';
import { UsageError } from '@bn/command-line';
import { flagOf, type KnobName, type KnobValues, knobNames, knobs } from './knobs.js';

/** Flags as the command line has them: text, or `true` for a flag without a value. */
export type Flags = Readonly<Record<string, string | true | undefined>>;

/** The values of the flags that were given. */
export function valuesFromFlags(flags: Flags): Partial<KnobValues> {
  const values: Record<string, unknown> = {};
  for (const name of knobNames) {
    const given = flags[name];
    if (given !== undefined) values[name] = fromText(name, given, flagOf(name));
  }
  return values;
}

/** The values of the environment variables that are set. */
export function valuesFromEnvironment(environment: NodeJS.ProcessEnv): Partial<KnobValues> {
  const values: Record<string, unknown> = {};
  for (const name of knobNames) {
    const variable = knobs[name].environment;
    const given = variable && environment[variable];
    if (variable && given) values[name] = fromText(name, given, variable);
  }
  return values;
}

/** The values in a configuration file: any of the knobs by name, `null` for "not given". */
export async function valuesFromFile(file: string): Promise<Partial<KnobValues>> {
  const content = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    const problem = cause.code === 'ENOENT' ? 'there is no such file' : cause.message;
    throw new UsageError(`${file}: ${problem}; give the path of a JSON file`, { cause });
  });
  const values = parseJson(file, content);
  if (typeof values !== 'object' || values === null || Array.isArray(values)) {
    throw new UsageError(`${file}: expected a JSON object such as {"epochs": 3}`);
  }
  const given: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(values)) {
    if (!isKnob(name)) {
      throw new UsageError(`${file}: unknown key "${name}"; the keys are ${knobNames.join(', ')}`);
    }
    // null is "not given", for knobs that need not be.
    if (value === null && knobs[name].preset === null) continue;
    if (!accepts(name, value)) throw expected(name, JSON.stringify(value), `${file}: "${name}"`);
    given[name] = value;
  }
  return given;
}

function isKnob(name: string): name is KnobName {
  return Object.hasOwn(knobs, name);
}

function fromText(name: KnobName, given: string | true, where: string): unknown {
  if (given === true) return true;
  if (given.startsWith('--')) throw new UsageError(`${where}: the value is missing before ${given}`);
  const value = knobs[name].fromText(given);
  if (!accepts(name, value)) throw expected(name, `'${given}'`, where);
  return value;
}

function accepts(name: KnobName, value: unknown): boolean {
  return knobs[name].schema.safeParse(value).success;
}

function expected(name: KnobName, got: string, where: string): UsageError {
  return new UsageError(`${where}: expected ${knobs[name].expects}, got ${got}`);
}

function parseJson(file: string, content: string): unknown {
  try {
    return JSON.parse(content);
  } catch (cause) {
    throw new UsageError(`${file}: not valid JSON (${(cause as Error).message}); correct the file`, { cause });
  }
}
