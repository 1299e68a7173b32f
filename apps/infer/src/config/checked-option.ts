// Flags whose values are checked by their kinds.

import { type Kind, UsageError } from '@bn/command-line';
import { Option } from 'commander';

/** @param name with its dashes, e.g. `--top` */
export function checkedOption(name: string, kind: Kind<unknown>, description: string): Option {
  const choices = kind.choices ? ` (${kind.choices.join(', ')})` : '';
  const text = description.replace(/(?= \[)|$/, choices);
  return new Option(`${name} ${kind.placeholder}`, text).argParser((given) => checkedValue(name, kind, given));
}

/** A flag that takes several values of a kind with commas between, e.g. `--batch-sizes 1,8`. */
export function checkedList(name: string, kind: Kind<unknown>, description: string): Option {
  return new Option(`${name} <list>`, description).argParser((given) =>
    given.split(',').map((part) => checkedValue(name, kind, part)),
  );
}

function checkedValue(name: string, kind: Kind<unknown>, given: string): unknown {
  if (given.startsWith('--')) throw new UsageError(`${name}: the value is missing before ${given}`);
  const value = kind.fromText(given.trim());
  if (kind.schema.safeParse(value).success) return value;
  throw new UsageError(`${name}: expected ${kind.expects}, got '${given}'`);
}
