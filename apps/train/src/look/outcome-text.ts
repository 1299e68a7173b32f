// What `look` tells, for a terminal.

import { wrapWords } from '@bn/command-line';
import { aligned } from '../display/format.js';
import type { DataRecord, PartRecord, Spread } from './record.js';

/** Lines of a list that a terminal shows; the page and `--json` have more. */
const mostLines = 20;

export function outcomeText(record: DataRecord, width: number): string {
  const { data, parts, skipped, warnings } = record;
  const sections = [
    [data, ...partLines(record)],
    classLines(parts, width),
    ...parts.map(fileLines),
    spreadLines(parts),
    duplicateLines(record),
    skipped.length === 0
      ? []
      : [
          `left out: ${count(skipped.length, 'file')}`,
          ...listed(skipped.map(({ file, reason }) => `  ${file}: ${reason}`)),
        ],
    warnings.map((warning) => `warning: ${warning}`),
  ];
  const lines = sections.filter(({ length }) => length > 0).map((section) => section.join('\n'));
  return wrapWords(lines.join('\n\n'), width);
}

/** What there is to train and to test on. */
export function partLines({ parts, task }: DataRecord): string[] {
  const lines = parts.map((part) => `${partName(part)}: ${tableText(part, task)}`);
  return parts.length > 1 ? lines : [...lines, 'test data: none; a training holds out a tenth, by its seed'];
}

export function partName({ name }: PartRecord): string {
  return name === 'train' ? 'training data' : 'test data';
}

/** As a table has it: `60,000 rows × 785 columns (28×28 grey, one of 10 classes)`. */
function tableText({ examples, columns, kind, classes, values }: PartRecord, task: DataRecord['task']): string {
  const answers = {
    classify: `one of ${classes.length} classes`,
    multilabel: count(classes.length, 'label'),
    regress: count(values.length, 'value'),
  };
  return `${grouped(examples)} rows × ${grouped(columns)} columns (${kind}, ${answers[task]})`;
}

export function count(n: number, noun: string): string {
  return `${grouped(n)} ${noun}${n === 1 ? '' : 's'}`;
}

function grouped(n: number): string {
  return n.toLocaleString('en-US');
}

function listed(lines: readonly string[]): string[] {
  const rest = lines.length - mostLines;
  return rest > 0 ? [...lines.slice(0, mostLines), `  … and ${grouped(rest)} more`] : [...lines];
}

/** A bar for each class of the training data, and the number of its test examples. */
function classLines(parts: readonly PartRecord[], width: number): string[] {
  const [first] = parts;
  if (!first || first.classes.length === 0) return [];
  const most = Math.max(...first.classes.map(({ examples }) => examples), 1);
  const rows = [
    ['class', ...parts.map(({ name }) => name)],
    ...first.classes.map(({ name }) => [
      name,
      ...parts.map(({ classes }) => grouped(classes.find((one) => one.name === name)?.examples ?? 0)),
    ]),
  ];
  const lines = aligned(rows);
  const room = Math.min(40, width - Math.max(...lines.map(({ length }) => length)) - 2);
  return lines.map((line, i) => {
    const bar = i === 0 || room < 8 ? '' : '█'.repeat(Math.round((room * first.classes[i - 1]!.examples) / most));
    return `${line.padEnd(Math.max(...lines.map(({ length }) => length)))}  ${bar}`.trimEnd();
  });
}

export function fileLines(part: PartRecord): string[] {
  if (!part.files) return [];
  const { bytes, formats, sizes } = part.files;
  const mean =
    bytes /
    Math.max(
      1,
      formats.reduce((sum, { files }) => sum + files, 0),
    ) /
    1024;
  const kinds = formats.map(({ format, files }) => `${grouped(files)} ${format}`).join(', ');
  const shown = sizes.slice(0, 5).map(({ width, height, files }) => `${width}×${height} (${grouped(files)})`);
  const rest = sizes.length > 5 ? ` and ${sizes.length - 5} more sizes` : '';
  return [
    `files of the ${partName(part)}: ${kinds}; ${(bytes / 2 ** 20).toFixed(1)} MiB, ${mean.toFixed(0)} KiB each`,
    `width × height: ${shown.join(', ')}${rest}`,
  ];
}

export const spreadColumns = ['mean', 'deviation', 'least', 'greatest'] as const;

export function spreadRow(spread: Spread): string[] {
  return spreadColumns.map((column) => {
    const value = spread[column];
    return Math.abs(value) < 1000 ? value.toFixed(4) : value.toPrecision(6);
  });
}

function spreadLines(parts: readonly PartRecord[]): string[] {
  const rows = parts.flatMap(({ name, channels, values }) =>
    [...channels, ...values].map((spread) => [`${name} ${spread.name}`, ...spreadRow(spread)]),
  );
  return aligned([['', ...spreadColumns], ...rows]);
}

export function duplicateText({ parts, repeated, inBoth }: DataRecord): string {
  const within = parts.map(({ name }) => `${grouped(repeated[name])} in ${name}`);
  const both =
    parts.length > 1 ? [`${grouped(inBoth)} test ${inBoth === 1 ? 'example' : 'examples'} in train too`] : [];
  return `exact duplicates: ${[...within, ...both].join(', ')}`;
}

function duplicateLines(record: DataRecord): string[] {
  const lines = record.duplicates.map(
    ({ examples }) =>
      `  ${examples.map(({ part, index, file, label }) => `${file ?? `${part} ${index}`} (${label})`).join(' = ')}`,
  );
  return [duplicateText(record), ...listed(lines)];
}
