// A flag whose value is checked by its kind.

import { type Kind, UsageError } from '@bn/command-line';
import { Option } from 'commander';

/** @param name with its dashes, e.g. `--top` */
export function checkedOption(name: string, kind: Kind<unknown>, description: string): Option {
  const choices = kind.choices ? ` (${kind.choices.join(', ')})` : '';
  return new Option(`${name} ${kind.placeholder}`, description.replace(/(?= \[)|$/, choices)).argParser((given) => {
    if (given.startsWith('--')) throw new UsageError(`${name}: the value is missing before ${given}`);
    const value = kind.fromText(given);
    if (kind.schema.safeParse(value).success) return value;
    throw new UsageError(`${name}: expected ${kind.expects}, got '${given}'`);
  });
}
