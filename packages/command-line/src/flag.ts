// A flag as a table has it: its kind, its default and why. Help is made of that.

import type { Option } from 'commander';
import { checkedOption } from './checked-option.js';
import type { Kind } from './kinds.js';

export interface Flag<T> extends Kind<unknown> {
  /** The default; `null` where the value is left to what takes it. */
  readonly preset: T;
  readonly what: string;
  /** Why the default is that; for `null`, what happens then. */
  readonly why: string;
}

export function flag<T, P extends T | null>(
  kind: Kind<T>,
  preset: P,
  what: string,
  why: string,
): Flag<P extends null ? T | null : T> {
  return { ...kind, preset, what, why } as Flag<never>;
}

/**
 * The flag as an option, which has no default of its own: a configuration file or a variable of the environment may have
 * the value.
 *
 * @param name with its dashes
 */
export function flagOption(name: string, flag: Flag<unknown>): Option {
  const { preset, what, why } = flag;
  const value = preset === null || preset === false ? '' : ` ${preset}`;
  return checkedOption(name, flag, `${what} [default${value}: ${why}]`);
}
