// Options of a command whose values are checked by their kinds, all in the same words.

import { Command, Option } from 'commander';
import { isOfKind, type Kind } from './kinds.js';
import { UsageError } from './usage-error.js';

/**
 * An option that takes a value of a kind, or none.
 *
 * @param flag with its dashes, e.g. `--top`
 * @param description what it does, then in brackets what happens without it, unless it has a default; the kind's choices
 *   are put before the brackets
 */
export function checkedOption(flag: string, kind: Kind<unknown>, description: string): Option {
  const option = new Option(`${flag} ${kind.placeholder}`.trim(), withChoices(description, kind));
  // Of commander's own: a check would make it one that takes a value.
  if (kind.placeholder === '') return option;
  if (kind.implied !== undefined) option.preset(kind.implied);
  return option.argParser((given) => checkedValue(flag, kind, given));
}

/** A command whose options are checked by their kinds. */
export class CheckedCommand extends Command {
  /** Adds a `checkedOption`, with its default if it has one. */
  checked(flag: string, kind: Kind<unknown>, description: string, preset?: unknown): this {
    return this.addOption(checkedOption(flag, kind, description).default(preset));
  }
}

/** An option that takes several values of a kind with commas between, e.g. `--batch-sizes 1,8`. */
export function checkedList(flag: string, kind: Kind<unknown>, description: string): Option {
  const placeholder = kind.placeholder.replace('>', ',…>');
  return new Option(`${flag} ${placeholder}`, withChoices(description, kind)).argParser((given) =>
    given.split(',').map((part) => checkedValue(flag, kind, part.trim())),
  );
}

/**
 * The value that a text stands for.
 *
 * @param where what messages call it: a flag, or a variable of the environment
 * @throws UsageError for a text that stands for none
 */
export function checkedValue<T>(where: string, kind: Kind<T>, given: string): T {
  if (given.startsWith('--')) throw new UsageError(`${where}: the value is missing before ${given}`);
  const value = kind.fromText(given);
  if (!isOfKind(kind, value)) throw new UsageError(`${where}: expected ${kind.expects}, got '${given}'`);
  return value;
}

function withChoices(description: string, { choices }: Kind<unknown>): string {
  return choices ? description.replace(/(?= \[)|$/, ` (${choices.join(', ')})`) : description;
}
