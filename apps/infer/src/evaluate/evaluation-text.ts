// An evaluation for people: a table of the classes, what is taken for what, and the accuracy.

import type { ClassMeasures } from '@bn/core';
import pc from 'picocolors';
import { type Column, cellText, column, tableLine } from '../text/table.js';
import type { ClassEvaluation, Evaluation, ValueEvaluation } from './evaluation.js';

export interface TextOptions {
  /** Columns of the terminal; infinite where nothing needs to fit. */
  readonly width: number;
  readonly colours: boolean;
}

/** With more classes, the mistakes are listed instead of a matrix. */
const largestMatrix = 32;

/** Mistakes in that list. */
const listed = 10;

/** A share of a class above which colours show that it is often taken for another. */
const often = 0.05;

/** Lines without a closing newline. */
export function evaluationText(evaluation: Evaluation, { width, colours }: TextOptions): string {
  const paint = pc.createColors(colours);
  if ('values' in evaluation) return valueTable(evaluation, paint);
  const { accuracy, loss, confusion } = evaluation;
  return [
    classTable(evaluation, paint),
    ...(confusion ? [confusionMatrix(evaluation, width, paint) ?? mistakes(evaluation)] : []),
    `${paint.bold(`accuracy ${accuracy.toFixed(3)}`)}, loss ${loss.toFixed(3)}`,
  ].join('\n\n');
}

type Paint = ReturnType<typeof pc.createColors>;

function classTable({ classes, mean, names, confusion }: ClassEvaluation, paint: Paint): string {
  const cells = ({ precision, recall, f1, support }: ClassMeasures) => [
    ...[precision, recall, f1].map((value) => value?.toFixed(3) ?? '–'),
    support.toLocaleString('en-US'),
  ];
  const rows = classes.map((one, i) => [names[i]!, ...cells(one)]);
  return table([confusion ? 'class' : 'label', 'precision', 'recall', 'F1', 'support'], rows, cells(mean), paint);
}

function valueTable({ names, values, mean }: ValueEvaluation, paint: Paint): string {
  const cells = (one: ValueEvaluation['mean']) =>
    [one.absoluteError, one.squaredError, one.rSquared].map((value) => String(Number(value.toPrecision(4))));
  const rows = values.map((one, i) => [names[i]!, ...cells(one)]);
  return table(['value', 'mean absolute error', 'mean squared error', 'R²'], rows, cells(mean), paint);
}

/** Rows that begin with a name, and their mean below. */
function table(titles: readonly string[], rows: readonly string[][], mean: readonly string[], paint: Paint): string {
  const named = rows.map(([name, ...cells]) => [cellText(name!), ...cells]);
  const last = ['mean', ...mean];
  const columns = titles.map((title, i) =>
    column(
      title,
      [...named, last].map((row) => row[i]!),
      i === 0 ? 'left' : 'right',
    ),
  );
  const lines = named.map((row) => tableLine(columns, row));
  return [head(columns, paint), ...lines, paint.bold(tableLine(columns, last))].join('\n');
}

/** null if it does not fit. */
function confusionMatrix(
  { confusion, names: classNames, classes }: ClassEvaluation,
  width: number,
  paint: Paint,
): string | null {
  if (classNames.length > largestMatrix) return null;
  const numbers = classNames.map((_, i) => String(i));
  const names = classNames.map((name, i) => `${String(i).padStart(numbers.at(-1)!.length)} ${cellText(name)}`);
  const columns = [
    column('', names, 'left'),
    ...numbers.map((number, j) =>
      column(
        number,
        confusion!.map((row) => String(row[j])),
        'right',
      ),
    ),
  ];
  const needed = columns.reduce((sum, { width }) => sum + width + 2, -2);
  if (needed > width) return null;
  const shown = (count: number, actual: number, predicted: number) => {
    if (count === 0) return paint.dim('·');
    if (actual === predicted) return paint.green(String(count));
    return count > often * classes[actual]!.support ? paint.yellow(String(count)) : String(count);
  };
  const lines = confusion!.map((row, i) =>
    tableLine(columns, [names[i]!, ...row.map((count, j) => shown(count, i, j))]),
  );
  return ['Rows are what the examples are, columns what the model says:', '', head(columns, paint), ...lines].join(
    '\n',
  );
}

function mistakes({ confusion, names: classNames }: ClassEvaluation): string {
  const counts = confusion!.flatMap((row, i) =>
    row.map((count, j) => ({
      count,
      text: `${cellText(classNames[i]!)} taken for ${cellText(classNames[j]!)}`,
      wrong: i !== j,
    })),
  );
  const most = counts.filter(({ count, wrong }) => wrong && count > 0).sort((a, b) => b.count - a.count);
  if (most.length === 0) return 'No example is taken for another class.';
  const columns = [
    column(
      '',
      most.slice(0, listed).map(({ count }) => String(count)),
      'right',
    ),
    column('', [], 'left'),
  ];
  const lines = most.slice(0, listed).map(({ count, text }) => tableLine(columns, [String(count), text]));
  return ['The most frequent mistakes:', '', ...lines].join('\n');
}

function head(columns: readonly Column[], paint: Paint): string {
  return paint.dim(
    tableLine(
      columns,
      columns.map(({ title }) => title),
    ),
  );
}
