// The kinds of values that knobs take, each with its check and its words for messages.

import { z } from 'zod';

export interface Kind<T> {
  /** What stands for the value in `--help`; empty for a flag without a value. */
  readonly placeholder: string;
  /** The values, where they are few. */
  readonly choices?: readonly string[];
  /** Completes "expected …". */
  readonly expects: string;
  /** Checks a value as JSON has it. */
  readonly schema: z.ZodType<T>;
  /** The command line's text as the value that JSON would have; text that is no number stays text. */
  readonly fromText: (text: string) => unknown;
}

export function text(placeholder: string): Kind<string> {
  return { placeholder, expects: 'some text', schema: z.string().min(1), fromText: (value) => value };
}

export function oneOf<const C extends string>(...choices: readonly C[]): Kind<C> {
  const expects = `one of ${choices.join(', ')}`;
  return { placeholder: '<name>', choices, expects, schema: z.enum(choices), fromText: (value) => value };
}

export function wholeNumber(from: number, to = Number.MAX_SAFE_INTEGER): Kind<number> {
  const range = to === Number.MAX_SAFE_INTEGER ? `of at least ${from}` : `from ${from} to ${to}`;
  return number('<n>', `a whole number ${range}`, z.int().min(from).max(to));
}

export const positive: Kind<number> = number('<x>', 'a number above 0', z.number().positive());
export const notNegative: Kind<number> = number('<x>', 'a number of at least 0', z.number().nonnegative());
export const fraction: Kind<number> = number('<x>', 'a number from 0 to 1', z.number().min(0).max(1));
export const share: Kind<number> = number('<x>', 'a number from 0 to below 1', z.number().min(0).lt(1));

/** Numbers of a kind up to a largest one. */
export function atMost(most: number, { expects, schema, ...kind }: Kind<number>): Kind<number> {
  return { ...kind, expects: `${expects}, at most ${most}`, schema: schema.refine((value) => value <= most) };
}

/** On or off; as a flag, on by being there. */
export const toggle: Kind<boolean> = {
  placeholder: '',
  expects: 'true or false',
  schema: z.boolean(),
  fromText: () => true,
};

function number(placeholder: string, expects: string, schema: z.ZodType<number>): Kind<number> {
  const decimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
  return { placeholder, expects, schema, fromText: (value) => (decimal.test(value) ? Number(value) : value) };
}
