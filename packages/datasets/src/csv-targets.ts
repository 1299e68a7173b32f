// What a table teaches: which of its columns are targets, and their values as labels.

import { BnError, type Task } from '@bn/core';
import type { MemoryParts } from './memory-dataset.js';

export interface TargetOptions {
  /** Default classify. */
  readonly task?: Task;
  /**
   * Names of the columns with the targets. Default: `label` (or `class`); for several labels, `labels` or `label`, which holds
   * names between `|` or `;`; for values, `target` or `label`. Where a table lists image files, all other columns if there
   * is none of these, and always for values.
   */
  readonly targets?: readonly string[] | null;
  /** Names in the order of the class indices; every label must then have one. */
  readonly classNames?: readonly string[];
}

export type Labels = Pick<MemoryParts, 'labels' | 'classNames' | 'valueNames'>;

export interface Targets {
  /** Their positions in the table. */
  readonly columns: readonly number[];
  /** Takes a line's values at these columns; throws `data` for what is no such target. */
  add(at: string, texts: readonly string[]): void;
  /** Labels of the lines that are `kept`. */
  labels(kept: readonly number[]): Labels;
}

/** @param imageColumn the column with the names of images; -1 if all others are pixels */
export function targetsOf(
  at: string,
  names: readonly string[],
  imageColumn: number,
  { task = 'classify', targets, classNames }: TargetOptions,
): Targets {
  const columns = targets ? targets.map((name) => names.indexOf(name)) : usualColumns(names, imageColumn, task);
  const missing = targets?.find((_, i) => columns[i]! < 0);
  if (missing !== undefined || columns.length === 0 || (task === 'classify' && columns.length > 1)) {
    throw noTargets(at, names, missing ?? 'label', columns.length);
  }
  const of = columns.map((column) => names[column]!);
  if (task === 'regress') return { columns, ...numbers(of) };
  if (task === 'classify') return { columns, ...classes(of[0]!, classNames) };
  const isList = of.length === 1 && /^(labels?|tags)$/i.test(of[0]!);
  return { columns, ...(isList ? lists(of[0]!, classNames) : flags(of)) };
}

function usualColumns(names: readonly string[], imageColumn: number, task: Task): number[] {
  const usual = { classify: ['label', 'class'], multilabel: ['labels', 'label'], regress: ['target', 'label'] }[task];
  const found = usual.map((name) => names.indexOf(name)).find((column) => column >= 0);
  // In a list of images, `label` may be one of several numbers.
  if (found !== undefined && (imageColumn < 0 || task !== 'regress')) return [found];
  return imageColumn < 0 ? [] : [...names.keys()].filter((column) => column !== imageColumn);
}

function noTargets(at: string, names: readonly string[], missing: string, found: number): BnError {
  const got = names.join(',');
  if (/[\0\uFFFD]/.test(got)) return new BnError('data', `${at}: expected text in UTF-8; save the file as UTF-8`);
  const advice = found > 1 ? 'name the one to learn (--target)' : `training needs labels: ${HEADER}`;
  return new BnError(
    'data',
    `${at}: expected a column named ${missing} between commas, got ${excerpt(got)}; ${advice}`,
  );
}

export const HEADER = 'give a file whose first line is a header such as label,pixel1,…,pixel784';

function wrongValue(at: string, name: string, text: string, expected: string): BnError {
  return new BnError('data', `${at}: ${name} is ${excerpt(text)}, expected ${expected}`);
}

/** Class indices, or names, which the first line decides. */
function classes(name: string, known: readonly string[] | undefined): Omit<Targets, 'columns'> {
  const values: string[] = [];
  const most = (known?.length ?? 2 ** 31) - 1;
  let named: boolean | undefined;
  return {
    add: (at, [text]) => {
      const isName = text !== '' && Number.isNaN(Number(text));
      named ??= isName;
      const fits = named ? isName : /^\d+(\.0*)?$/.test(text!) && Number(text) <= most;
      const expected = named ? 'a name, as in the lines before' : `an integer from 0 to ${most}`;
      if (!fits) throw wrongValue(at, name, text!, `${expected}; number the classes from 0, or name them all`);
      if (named && known && !known.includes(text!))
        throw wrongValue(at, name, text!, `one of the class names ${known.join(', ')}`);
      values.push(text!);
    },
    labels: (kept) => {
      const used = kept.map((line) => values[line]!);
      if (!named) return { labels: Int32Array.from(used, Number), ...(known && { classNames: known }) };
      const classNames = known ?? sorted(used);
      const indices = new Map(classNames.map((one, i) => [one, i]));
      return { labels: Int32Array.from(used, (one) => indices.get(one)!), classNames };
    },
  };
}

function numbers(valueNames: readonly string[]): Omit<Targets, 'columns'> {
  const { add, rows } = rowsOf(valueNames, (text) => text !== '' && Number.isFinite(Number(text)), 'a number');
  return { add, labels: (kept) => ({ labels: rows(kept), valueNames }) };
}

function flags(classNames: readonly string[]): Omit<Targets, 'columns'> {
  const { add, rows } = rowsOf(
    classNames,
    (text) => text !== '' && [0, 1].includes(Number(text)),
    '0 or 1, or a single column named labels with names between |',
  );
  return { add, labels: (kept) => ({ labels: rows(kept), classNames }) };
}

function rowsOf(names: readonly string[], isRight: (text: string) => boolean, expected: string) {
  const all: number[][] = [];
  return {
    add: (at: string, texts: readonly string[]): void => {
      const wrong = texts.findIndex((text) => !isRight(text));
      if (wrong >= 0) throw wrongValue(at, names[wrong]!, texts[wrong]!, `${expected}; correct or remove the line`);
      all.push(texts.map(Number));
    },
    rows: (kept: readonly number[]): Float32Array => Float32Array.from(kept.flatMap((line) => all[line]!)),
  };
}

/** Names between `|` or `;`; none where there is no label. */
function lists(name: string, known: readonly string[] | undefined): Omit<Targets, 'columns'> {
  const all: string[][] = [];
  return {
    add: (at, [text]) => {
      const list = text!
        .split(/[|;]/)
        .map((part) => part.trim())
        .filter((part) => part !== '');
      const unknown = known && list.find((part) => !known.includes(part));
      if (unknown !== undefined) throw wrongValue(at, name, unknown, `one of the class names ${known!.join(', ')}`);
      all.push(list);
    },
    labels: (kept) => {
      const classNames = known ?? sorted(kept.flatMap((line) => all[line]!));
      const rows = kept.flatMap((line) => classNames.map((one) => (all[line]!.includes(one) ? 1 : 0)));
      return { labels: Float32Array.from(rows), classNames };
    },
  };
}

/** Each name once; numbers by their size. */
function sorted(names: readonly string[]): string[] {
  const once = [...new Set(names)].sort();
  return once.every((name) => /^\d+$/.test(name)) ? once.sort((a, b) => Number(a) - Number(b)) : once;
}

/** For messages: whatever a wrong file holds, visible and not too long. */
export function excerpt(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}
