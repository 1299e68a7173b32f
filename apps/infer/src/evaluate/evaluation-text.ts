// An evaluation for people: a table of the classes, what is taken for what, and the accuracy.

import { type ClassMeasures, mistakesIn } from '@bn/core';
import pc from 'picocolors';
import stringWidth from 'string-width';
import { alignedLines, cellText } from '../text/table.js';
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
  const titles = [confusion ? 'class' : 'label', 'precision', 'recall', 'F1', 'support'];
  return table(titles, names, classes.map(cells), cells(mean), paint);
}

function valueTable({ names, values, mean }: ValueEvaluation, paint: Paint): string {
  const cells = (one: ValueEvaluation['mean']) =>
    [one.absoluteError, one.squaredError, one.rSquared].map((value) => String(Number(value.toPrecision(4))));
  const titles = ['value', 'mean absolute error', 'mean squared error', 'R²'];
  return table(titles, names, values.map(cells), cells(mean), paint);
}

/** A row for each name, and their mean below. */
function table(
  titles: readonly string[],
  names: readonly string[],
  rows: readonly (readonly string[])[],
  mean: readonly string[],
  paint: Paint,
): string {
  const named = rows.map((cells, i) => [cellText(names[i]!), ...cells]);
  const [head, ...lines] = alignedLines([titles, ...named, ['mean', ...mean]]);
  return [paint.dim(head), ...lines.slice(0, -1), paint.bold(lines.at(-1)!)].join('\n');
}

/** null if it does not fit. */
function confusionMatrix({ confusion, names, classes }: ClassEvaluation, width: number, paint: Paint): string | null {
  if (names.length > largestMatrix) return null;
  const shown = (count: number, actual: number, predicted: number) => {
    if (count === 0) return paint.dim('·');
    if (actual === predicted) return paint.green(String(count));
    return count > often * classes[actual]!.support ? paint.yellow(String(count)) : String(count);
  };
  const numbers = names.map((_, i) => String(i));
  const rows = confusion!.map((row, i) => [
    `${numbers[i]!.padStart(numbers.at(-1)!.length)} ${cellText(names[i]!)}`,
    ...row.map((count, j) => shown(count, i, j)),
  ]);
  const [head, ...lines] = alignedLines([['', ...numbers], ...rows]);
  if (stringWidth(head!) > width) return null;
  return ['Rows are what the examples are, columns what the model says:', '', paint.dim(head), ...lines].join('\n');
}

function mistakes({ confusion, names }: ClassEvaluation): string {
  const most = mistakesIn(confusion!).slice(0, listed);
  if (most.length === 0) return 'No example is taken for another class.';
  const name = (label: number) => cellText(names[label]!);
  const widest = String(most[0]!.count).length;
  const lines = most.map(
    ({ actual, predicted, count }) => `${String(count).padStart(widest)}  ${name(actual)} taken for ${name(predicted)}`,
  );
  return ['The most frequent mistakes:', '', ...lines].join('\n');
}
