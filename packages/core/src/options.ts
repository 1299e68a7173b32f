// Options that nobody knows are errors: a misspelt one would silently train another network.

import { BnError } from './errors.js';

/** Throws `argument` unless `options` is an object with no other names than those of `known`, which spaces part. */
export function requireOptions(what: string, options: object, known: string): void {
  const names = known.split(' ');
  const isObject = typeof options === 'object' && options !== null;
  const unknown = isObject ? Object.keys(options).find((name) => !names.includes(name)) : `${options}`;
  if (unknown === undefined) return;
  throw new BnError('argument', `${what}: no option '${unknown}'; its options are { ${names.join(', ')} }`);
}

/** Throws `argument` unless n is a positive integer. */
export function requireCount(name: string, n: number): void {
  if (!Number.isInteger(n) || n < 1) throw new BnError('argument', `${name} must be a positive integer, got ${n}`);
}

/** Throws `argument` unless the value is a number from 0 to below `end`. */
export function requireBelow(what: string, value: number, end: number): void {
  if (value >= 0 && value < end) return;
  throw new BnError('argument', `${what} must be from 0 to below ${end}, got ${value}`);
}
