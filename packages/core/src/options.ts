// Options that nobody knows are errors: a misspelt one would silently train another network.

import { BnError } from './errors.js';

/** Throws `argument` unless `options` is an object with no other names than those of `known`, which spaces part. */
export function requireOptions(what: string, options: object, known: string): void {
  const names = known.split(' ');
  const all = `its options are ${names.join(', ')}`;
  if (typeof options !== 'object' || options === null) {
    throw new BnError('argument', `${what}: options must be an object, got ${options}; ${all}`);
  }
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  const near = names.find((name) => distance(plain(name), plain(unknown)) <= 2);
  throw new BnError('argument', `${what}: no option '${unknown}'; ${near ? `did you mean '${near}'? ` : ''}${all}`);
}

/** Throws `argument` unless n is a positive integer. */
export function requireCount(name: string, n: number): void {
  if (!Number.isInteger(n) || n < 1) throw new BnError('argument', `${name} must be a positive integer, got ${n}`);
}

/** `kernel_size` and `kernelSize` are meant alike. */
function plain(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9]/g, '').toLowerCase();
}

/** Letters to change, add or drop (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let k = 1; k <= b.length; k++) {
      next.push(Math.min(row[k]! + 1, next[k - 1]! + 1, row[k - 1]! + (a[i - 1] === b[k - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}
