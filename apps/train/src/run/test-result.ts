// What the answers for all test examples say: by the task, the only place of the program that tells tasks apart.

import { labelsOf, type RunData } from '@bn/command-line';
import {
  countConfusion,
  type Dataset,
  type Measures,
  measure,
  measureLabels,
  measureValues,
  numbered,
  type Task,
} from '@bn/core';
import type { MeasureTable, Mistake, TestResult } from '../run-record.js';

/** Wrong examples that a report gets to see. */
const mostMistakes = 64;

type Numbers = ArrayLike<number>;

/** A label, or an answer, in words. */
const texts: Readonly<Record<Task, (values: readonly number[], names: readonly string[]) => string>> = {
  classify: ([label], names) => names[label!]!,
  multilabel: (values, names) => names.filter((_, i) => values[i] === 1).join(', ') || 'none',
  regress: (values, names) => values.map((value, i) => `${names[i]} ${value.toPrecision(4)}`).join(', '),
};

/** @param answers the trainer's for all test examples, one after another */
export function testResult(task: Task, { test, outputs, names: given }: RunData, answers: Numbers): TestResult {
  const width = answers.length / test.length;
  const labels = labelsOf(test);
  const said = labels.map((_, i) => Array.from({ length: width }, (_, j) => answers[i * width + j]!));
  const targets = labels.flat();
  const names = given ?? numbered(outputs);
  const confusion = task === 'classify' ? countConfusion(targets, answers, outputs) : [];
  const measured = () => (task === 'classify' ? measure(confusion) : measureLabels(targets, answers, width));
  const textOf = (values: readonly number[]) => texts[task](values, names);
  const wrong = wrongExamples(task, labels, said).slice(0, mostMistakes);
  return {
    ...{ names, confusion },
    measures: task === 'regress' ? valueTable(targets, answers, names) : classTable(measured(), names),
    mistakes: wrong.map((i) => ({ ...example(test, i), actual: textOf(labels[i]!), answer: textOf(said[i]!) })),
  };
}

/** Classes and labels are right or wrong; of values the worst come first. */
function wrongExamples(task: Task, labels: readonly number[][], said: readonly number[][]): number[] {
  const errors = labels.map((label, i) => {
    const error = label.reduce((sum, value, j) => sum + Math.abs(value - said[i]![j]!), 0);
    return task === 'regress' ? error : Math.sign(error);
  });
  return [...errors.keys()].filter((i) => errors[i] !== 0).sort((a, b) => errors[b]! - errors[a]!);
}

function classTable({ classes, mean }: Measures, names: readonly string[]): MeasureTable {
  const rows = [...classes.map((one, i) => ({ name: names[i]!, ...one })), { name: 'mean', ...mean }];
  return {
    columns: ['precision', 'recall', 'F1', 'examples'],
    rows: rows.map(({ name, precision, recall, f1, support }) => ({ name, values: [precision, recall, f1, support] })),
  };
}

function valueTable(targets: Numbers, values: Numbers, names: readonly string[]): MeasureTable {
  return {
    columns: ['mean absolute error', 'root mean squared error', 'R²'],
    rows: measureValues(targets, values, names.length).map(({ absoluteError, squaredError, rSquared }, i) => ({
      name: names[i]!,
      values: [absoluteError, Math.sqrt(squaredError), rSquared],
    })),
  };
}

function example(test: Dataset, index: number): Pick<Mistake, 'index' | 'features' | 'shape'> {
  const { features } = test.get(index);
  const copy = test.features.dtype === 'uint8' ? Uint8Array.from(features) : Float32Array.from(features);
  return { index, features: copy, shape: test.features.shape as number[] };
}
