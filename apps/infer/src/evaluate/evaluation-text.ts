// An evaluation for people: a table of the classes, what is taken for what, and the accuracy.

import pc from 'picocolors';
import { type Column, cellText, column, tableLine } from '../text/table.js';
import type { ClassMeasures, Confusion, Measures } from './measures.js';

export interface Evaluation extends Measures {
  readonly loss: number;
  readonly confusion: Confusion;
  readonly classNames: readonly string[];
}

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
  const { accuracy, loss } = evaluation;
  return [
    classTable(evaluation, paint),
    confusionMatrix(evaluation, width, paint) ?? mistakes(evaluation),
    `${paint.bold(`accuracy ${accuracy.toFixed(3)}`)}, loss ${loss.toFixed(3)}`,
  ].join('\n\n');
}

type Paint = ReturnType<typeof pc.createColors>;

function classTable({ classes, mean, classNames }: Evaluation, paint: Paint): string {
  const cells = ({ precision, recall, f1, support }: ClassMeasures) => [
    ...[precision, recall, f1].map((value) => value?.toFixed(3) ?? '–'),
    support.toLocaleString('en-US'),
  ];
  const rows = classes.map((one, i) => [cellText(classNames[i]!), ...cells(one)]);
  const last = ['mean', ...cells(mean)];
  const titles = ['class', 'precision', 'recall', 'F1', 'support'];
  const columns = titles.map((title, i) =>
    column(
      title,
      [...rows, last].map((row) => row[i]!),
      i === 0 ? 'left' : 'right',
    ),
  );
  const lines = rows.map((row) => tableLine(columns, row));
  return [head(columns, paint), ...lines, paint.bold(tableLine(columns, last))].join('\n');
}

/** null if it does not fit. */
function confusionMatrix({ confusion, classNames, classes }: Evaluation, width: number, paint: Paint): string | null {
  if (classNames.length > largestMatrix) return null;
  const numbers = classNames.map((_, i) => String(i));
  const names = classNames.map((name, i) => `${String(i).padStart(numbers.at(-1)!.length)} ${cellText(name)}`);
  const columns = [
    column('', names, 'left'),
    ...numbers.map((number, j) =>
      column(
        number,
        confusion.map((row) => String(row[j])),
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
  const lines = confusion.map((row, i) =>
    tableLine(columns, [names[i]!, ...row.map((count, j) => shown(count, i, j))]),
  );
  return ['Rows are what the examples are, columns what the model says:', '', head(columns, paint), ...lines].join(
    '\n',
  );
}

function mistakes({ confusion, classNames }: Evaluation): string {
  const counts = confusion.flatMap((row, i) =>
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
