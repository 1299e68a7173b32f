// What a table teaches: which of its columns are targets, and their values as labels.

import { BnError, mostClasses, type Task } from '@bn/core';
import type { MemoryParts } from './memory-dataset.js';

export interface TargetOptions {
  /** Default classify. */
  readonly task?: Task | undefined;
  /**
   * Names of the columns with the targets. Default: `label` (or `class`); for several labels, `labels` or `label`, which holds
   * names between `|` or `;`; for values, `target` or `label`. Where a table lists image files, all other columns if there
   * is none of these, and always for values.
   */
  readonly targets?: readonly string[] | null | undefined;
  /** Names in the order of the class indices; every label must then have one. */
  readonly classNames?: readonly string[] | undefined;
}

export type Labels = Pick<MemoryParts, 'labels' | 'classNames' | 'valueNames'>;

export interface Targets {
  /** Their positions in the table. */
  readonly columns: readonly number[];
  /** Takes a line's values at these columns; throws `data` for a wrong one. */
  add(at: string, texts: readonly string[]): void;
  /** Labels of the lines that are `kept`. */
  labels(kept: readonly number[]): Labels;
}

const mostFlags = 2 ** 28;

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
  const own = columns.map((column) => names[column]!);
  const isList = task === 'multilabel' && own.length === 1 && /^(labels?|tags)$/i.test(own[0]!);
  const most = (classNames?.length ?? mostClasses) - 1;
  const lines: (readonly string[])[] = [];
  const found = new Set<string>();
  /** Whether classes have names: the first line decides. */
  let isNamed = isList;

  const problemOf = (text: string): string | null => {
    const value = text === '' ? Number.NaN : Number(text);
    if (task === 'regress') return Number.isFinite(value) ? null : 'a number; correct or remove the line';
    const isName = text !== '' && Number.isNaN(value);
    if (task === 'classify' && lines.length === 0) isNamed = isName;
    if (isNamed) {
      if (!isName && !isList) return 'a name, as in the lines before; number the classes from 0, or name them all';
      return !classNames || classNames.includes(text) ? null : `one of the class names ${classNames.join(', ')}`;
    }
    if (task === 'multilabel') {
      return value === 0 || value === 1 ? null : '0 or 1, or a single column named labels with names between |';
    }
    const fits = /^\d+(\.0*)?$/.test(text) && value <= most;
    return fits ? null : `an integer from 0 to ${most}; number the classes from 0, or name them all`;
  };

  return {
    columns,
    add: (line, texts) => {
      const values = isList ? texts[0]!.split(/[|;]/).map((part) => part.trim()) : texts;
      const given = isList ? values.filter((part) => part !== '') : values;
      for (const [i, text] of given.entries()) {
        const problem = problemOf(text);
        if (!problem) continue;
        throw new BnError('data', `${line}: ${own[isList ? 0 : i]} is ${excerpt(text)}, expected ${problem}`);
      }
      lines.push(given);
      if (!isNamed) return;
      for (const name of given) found.add(name);
      // Of several labels, each line has a number for each.
      if (found.size <= mostClasses && (!isList || found.size * lines.length <= mostFlags)) return;
      throw new BnError(
        'data',
        `${line}: these are ${found.size} different names in ${lines.length} lines, too many to learn; name the column of classes (--target)`,
      );
    },
    labels: (kept) => {
      const rows = kept.map((line) => lines[line]!);
      if (task === 'regress') return { labels: Float32Array.from(rows.flat(), Number), valueNames: own };
      if (!isNamed && task === 'multilabel') return { labels: Float32Array.from(rows.flat(), Number), classNames: own };
      if (!isNamed) return { labels: Int32Array.from(rows.flat(), Number), ...(classNames && { classNames }) };
      const all = classNames ?? sorted(kept.length === lines.length ? [...found] : rows.flat());
      const indices = new Map(all.map((name, i) => [name, i]));
      if (!isList) return { labels: Int32Array.from(rows, ([name]) => indices.get(name!)!), classNames: all };
      const flags = new Float32Array(rows.length * all.length);
      for (const [i, row] of rows.entries()) for (const name of row) flags[i * all.length + indices.get(name)!] = 1;
      return { labels: flags, classNames: all };
    },
  };
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
  const problem = `expected a column named ${missing} between commas, got ${excerpt(got)}`;
  return new BnError('data', `${at}: ${problem}; ${advice}`);
}

export const HEADER = 'give a file whose first line is a header such as label,pixel1,…,pixel784';

/** Each name once; numbers by their size. */
function sorted(names: readonly string[]): string[] {
  const once = [...new Set(names)].sort();
  return once.every((name) => /^\d+$/.test(name)) ? once.sort((a, b) => Number(a) - Number(b)) : once;
}

/** For messages: whatever a wrong file holds, visible and not too long. */
export function excerpt(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}
