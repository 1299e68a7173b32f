// Knob values from the environment and from configuration files, checked.

import { readFile } from 'node:fs/promises';
import { backendFlags, checkedValue, isOfKind, UsageError } from '@bn/command-line';
import { type KnobName, type KnobValues, knobNames, knobs } from './knobs.js';
import type { RunConfig } from './settings.js';

/** The values that environment variables set. */
export function valuesFromEnvironment({ BN_BACKEND: backend }: NodeJS.ProcessEnv): Partial<KnobValues> {
  return backend ? { backend: checkedValue('BN_BACKEND', backendFlags.backend, backend) as string } : {};
}

/** The values in a configuration file: any of the knobs by name, `null` for "not given". */
export async function valuesFromFile(file: string): Promise<Partial<KnobValues> & Pick<RunConfig, 'earlier'>> {
  const { earlier, ...values } = await readJsonObject(file, '{"epochs": 3}');
  return { ...checkedValues(file, values), ...(earlier !== undefined && { earlier: earlier === true }) };
}

/**
 * Knobs by name with values as JSON has them, checked.
 *
 * @param where what messages call them
 */
export function checkedValues(where: string, values: object): Partial<KnobValues> {
  const given: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(values)) {
    requireKnob(where, name);
    // null is "not given", for knobs that need not be.
    if (value === null && knobs[name].preset === null) continue;
    given[name] = checkedKnob(where, name, value);
  }
  return given;
}

/** @throws UsageError for a value that is not of the knob's kind */
export function checkedKnob(where: string, name: KnobName, value: unknown): unknown {
  if (isOfKind<unknown>(knobs[name], value)) return value;
  throw new UsageError(`${where}: "${name}": expected ${knobs[name].expects}, got ${JSON.stringify(value)}`);
}

export function requireKnob(where: string, name: string): asserts name is KnobName {
  if (Object.hasOwn(knobs, name)) return;
  throw new UsageError(`${where}: unknown key "${name}"; the keys are ${knobNames.join(', ')}`);
}

/** @param example of what the file may hold, for messages */
export async function readJsonObject(file: string, example: string): Promise<Record<string, unknown>> {
  const content = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    const problem = cause.code === 'ENOENT' ? 'there is no such file' : cause.message;
    throw new UsageError(`${file}: ${problem}; give the path of a JSON file`, { cause });
  });
  const values = parseJson(file, content);
  if (typeof values === 'object' && values !== null && !Array.isArray(values)) return values as Record<string, unknown>;
  throw new UsageError(`${file}: expected a JSON object such as ${example}`);
}

function parseJson(file: string, content: string): unknown {
  try {
    return JSON.parse(content);
  } catch (cause) {
    throw new UsageError(`${file}: not valid JSON (${(cause as Error).message}); correct the file`, { cause });
  }
}
