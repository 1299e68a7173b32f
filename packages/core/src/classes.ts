// Where names of classes meet indices: one rule for data, models, weights, exports and evaluation.

import { BnError } from './errors.js';

/** Classes in the order of their indices. */
export interface ClassList {
  readonly count: number;
  /** null where only numbers are known. */
  readonly names: readonly string[] | null;
  /** Of classes without names, the numbers that occur: the others need no match. Default all. */
  readonly present?: ReadonlySet<number> | undefined;
  /** For messages, e.g. `the data`. */
  readonly what: string;
}

export interface MatchedClasses {
  /** For each class of the one list, its index in the other; -1 for numbers that do not occur and have no match. */
  readonly index: Int32Array;
  /** The names of the other's classes, as far as either list has them; numbers where none are known. */
  readonly names: readonly string[];
  /** What should be known of the match, else null. */
  readonly note: string | null;
}

/**
 * Which of `to`'s classes each of `from`'s is.
 *
 * Named classes are matched by name, in any order; `from` may have fewer. Names that are numbers are the same if the numbers
 * are (`7`, `07`). Classes without names are matched by number: so are names that are numbers, with one exception: `to`
 * without names and exactly as many classes as `from` is taken to be in the order of `from` (for folders that of the sorted
 * names, as in torchvision's ImageFolder and Keras), and the note says so.
 *
 * @throws `data` if a class of `from` is not among those of `to`; the message lists both
 */
export function matchClasses(from: ClassList, to: ClassList): MatchedClasses {
  if (to.names) return byName(from, to, to.names);
  const known = numbered(to.count);
  const asGiven = Int32Array.from({ length: from.count }, (_, i) => i);
  if (!from.names) {
    if (from.count <= to.count) return { index: asGiven, names: known, note: null };
    throw mismatch(from, to);
  }
  if (from.count === to.count) {
    const byNumber = from.names.every((name, i) => Number(name) === i);
    const note = `${to.what} has no names of classes: ${from.what}'s are taken in their order, ${excerpt(from.names)}`;
    return { index: asGiven, names: from.names, note: byNumber ? null : note };
  }
  const numbers = from.names.map(numberOf);
  if (numbers.some((n) => n === null || n >= to.count)) throw mismatch(from, to);
  const note = `${to.what} has no names of classes: ${from.what}'s, which are numbers, are taken as the numbers of its outputs`;
  return { index: Int32Array.from(numbers as number[]), names: known, note };
}

function byName(from: ClassList, to: ClassList, names: readonly string[]): MatchedClasses {
  const positions = new Map(names.map((name, i) => [keyOf(name), i]));
  const own = new Map(names.map((name, i) => [name, i]));
  const index = (from.names ?? numbered(from.count)).map((name) => own.get(name) ?? positions.get(keyOf(name)) ?? -1);
  const found = from.names || !from.present ? index : Array.from(from.present, (i) => index[i]!);
  const isMatch = !found.includes(-1) && new Set(found).size === found.length;
  // Numbers beside names that are none: a label is the number of the class.
  const isNumber = !from.names && from.count <= to.count && names.every((name) => numberOf(name) === null);
  if (!isMatch && !isNumber) throw mismatch(from, to);
  return { index: Int32Array.from(index, (n, i) => (isMatch ? n : i)), names, note: null };
}

function mismatch(from: ClassList, to: ClassList): BnError {
  const listed = ({ names, count, present }: ClassList) => {
    if (names) return excerpt(names);
    if (!present || present.size === count) return count === 1 ? '0' : `0 to ${count - 1}, without names`;
    return `${excerpt([...present].sort((a, b) => a - b).map(String))}, without names`;
  };
  const seen = `${from.what} has the classes ${listed(from)}, but ${to.what} ${listed(to)}`;
  return new BnError('data', `${seen}; give both the same names`);
}

/** Names `0`, `1`, … */
export function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, i) => String(i));
}

/** A name that is a whole number, as a number; else null. */
function numberOf(name: string): number | null {
  return /^\d+$/.test(name.trim()) ? Number(name) : null;
}

function keyOf(name: string): string {
  return String(numberOf(name) ?? name);
}

function excerpt(names: readonly string[]): string {
  return names.length > 20 ? `${names.slice(0, 20).join(', ')}, … (${names.length})` : names.join(', ');
}
