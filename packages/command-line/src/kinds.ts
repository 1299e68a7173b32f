// The kinds of values that knobs take, each with its check and its words for messages.

import * as v from 'valibot';

export interface Kind<T> {
  /** What stands for the value in `--help`; empty for a flag without a value. */
  readonly placeholder: string;
  /** The text that is taken where a flag is given without a value; undefined where it needs one. */
  readonly implied?: string;
  /** The values, where they are few. */
  readonly choices?: readonly string[];
  /** Completes "expected …". */
  readonly expects: string;
  /** Checks a value as JSON has it. */
  readonly schema: v.GenericSchema<T>;
  /** The command line's text as the value that JSON would have; text that is not a number stays text. */
  readonly fromText: (text: string) => unknown;
}

/** Whether a value as JSON has it is of a kind. */
export function isOfKind<T>({ schema }: Pick<Kind<T>, 'schema'>, value: unknown): value is T {
  return v.is(schema, value);
}

export function text(placeholder: string): Kind<string> {
  const schema = v.pipe(v.string(), v.nonEmpty());
  return { placeholder, expects: 'some text', schema, fromText: (value) => value };
}

export function oneOf<const C extends string>(...choices: readonly C[]): Kind<C> {
  const expects = `one of ${choices.join(', ')}`;
  return { placeholder: '<name>', choices, expects, schema: v.picklist(choices), fromText: (value) => value };
}

/** One of several names; in a configuration file also a list of settings, each of its kind: `[{"flip": true}, {"shift": 0.1}]`. */
export function nameOrSettings<const C extends string, S extends Readonly<Record<string, Kind<unknown>>>>(
  choices: readonly C[],
  settings: S,
): Kind<C | readonly Setting<S>[]> {
  const each = Object.entries(settings).map(([name, { schema }]) => v.strictObject({ [name]: schema }));
  const kinds = Object.entries(settings).map(([name, { expects }]) => `${name} (${expects})`);
  const schema = v.union([v.picklist(choices), v.array(v.union(each))]);
  return {
    ...{ placeholder: '<name>', choices },
    expects: `one of ${choices.join(', ')}; or in a file a list such as [{"${Object.keys(settings)[0]}": …}] of ${kinds.join(', ')}`,
    schema: schema as unknown as v.GenericSchema<C | readonly Setting<S>[]>,
    fromText: (value) => value,
  };
}

/** An object with one of the keys. */
export type Setting<S extends Readonly<Record<string, Kind<unknown>>>> = {
  readonly [K in keyof S]: { readonly [_ in K]: S[K] extends Kind<infer T> ? T : never };
}[keyof S];

export function wholeNumber(from: number, to = Number.MAX_SAFE_INTEGER): Kind<number> {
  const range = to === Number.MAX_SAFE_INTEGER ? `of at least ${from}` : `from ${from} to ${to}`;
  const schema = v.pipe(v.number(), v.safeInteger(), v.minValue(from), v.maxValue(to));
  return number('<n>', `a whole number ${range}`, schema);
}

const finite = v.pipe(v.number(), v.finite());

export const positive: Kind<number> = number('<x>', 'a number above 0', v.pipe(finite, v.gtValue(0)));
export const notNegative: Kind<number> = number('<x>', 'a number of at least 0', v.pipe(finite, v.minValue(0)));
export const fraction: Kind<number> = number(
  '<x>',
  'a number from 0 to 1',
  v.pipe(finite, v.minValue(0), v.maxValue(1)),
);
export const share: Kind<number> = number(
  '<x>',
  'a number from 0 to below 1',
  v.pipe(finite, v.minValue(0), v.ltValue(1)),
);

/** Numbers of a kind up to a largest one. */
export function atMost(most: number, { expects, schema, ...kind }: Kind<number>): Kind<number> {
  return { ...kind, expects: `${expects}, at most ${most}`, schema: v.pipe(schema, v.maxValue(most)) };
}

/** A kind whose value may be left out on the command line, which means the text `implied`. */
export function optional<T>(implied: string, { placeholder, ...kind }: Kind<T>): Kind<T> {
  return { ...kind, placeholder: placeholder.replace(/<(.*)>/, '[$1]'), implied };
}

/** On or off; as a flag, on by being there. */
export const toggle: Kind<boolean> = {
  placeholder: '',
  expects: 'true or false',
  schema: v.boolean(),
  fromText: () => true,
};

function number(placeholder: string, expects: string, schema: v.GenericSchema<number>): Kind<number> {
  const decimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
  return { placeholder, expects, schema, fromText: (value) => (decimal.test(value) ? Number(value) : value) };
}
