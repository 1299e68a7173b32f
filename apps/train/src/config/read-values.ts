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
    if (name === 'earlier') {
      given[name] = value === true;
      continue;
    }
    if (!isKnob(name)) {
      throw new UsageError(`${file}: unknown key "${name}"; the keys are ${knobNames.join(', ')}`);
    }
    // null is "not given", for knobs that need not be.
    if (value === null && knobs[name].preset === null) continue;
    if (!isOfKind<unknown>(knobs[name], value)) {
      throw new UsageError(`${file}: "${name}": expected ${knobs[name].expects}, got ${JSON.stringify(value)}`);
    }
    given[name] = value;
  }
  return given;
}

function isKnob(name: string): name is KnobName {
  return Object.hasOwn(knobs, name);
}

function parseJson(file: string, content: string): unknown {
  try {
    return JSON.parse(content);
  } catch (cause) {
    throw new UsageError(`${file}: not valid JSON (${(cause as Error).message}); correct the file`, { cause });
  }
}
