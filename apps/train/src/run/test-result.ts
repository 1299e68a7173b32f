// What the answers for all test examples say: by the task, the only place of the program that tells tasks apart.

import type { RunData } from '@bn/command-line';
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

/** @param answers the trainer's for all test examples, one after another */
export function testResult(task: Task, { test, outputs, names }: RunData, answers: Numbers): TestResult {
  const width = answers.length / test.length;
  const labels = Array.from({ length: test.length }, (_, i) => {
    const { label } = test.get(i);
    return typeof label === 'number' ? [label] : Array.from(label);
  });
  const targets = labels.flat();
  const answerOf = (i: number) => Array.from({ length: width }, (_, j) => answers[i * width + j]!);
  const known = names ?? numbered(outputs);
  switch (task) {
    case 'classify': {
      const confusion = countConfusion(targets, answers, outputs);
      const nameOf = ([label]: readonly number[]) => known[label!]!;
      const wrong = [...labels.keys()].filter((i) => answers[i] !== targets[i]);
      return {
        names: known,
        confusion,
        measures: classTable(measure(confusion), known),
        mistakes: mistakes(test, wrong, nameOf, (i) => nameOf(answerOf(i))),
      };
    }
    case 'multilabel': {
      const present = (values: readonly number[]) => known.filter((_, i) => values[i] === 1).join(', ') || 'none';
      const wrong = [...labels.keys()].filter((i) => labels[i]!.some((label, j) => label !== answerOf(i)[j]));
      return {
        names: known,
        confusion: [],
        measures: classTable(measureLabels(targets, answers, width), known),
        mistakes: mistakes(test, wrong, present, (i) => present(answerOf(i))),
      };
    }
    case 'regress': {
      const error = (i: number) => labels[i]!.reduce((sum, label, j) => sum + Math.abs(label - answerOf(i)[j]!), 0);
      const text = (values: readonly number[]) =>
        values.map((value, j) => `${known[j]} ${value.toPrecision(4)}`).join(', ');
      const errors = labels.map((_, i) => error(i));
      const worst = [...labels.keys()].sort((a, b) => errors[b]! - errors[a]!);
      return {
        names: known,
        confusion: [],
        measures: valueTable(targets, answers, known),
        mistakes: mistakes(test, worst, text, (i) => text(answerOf(i))),
      };
    }
  }
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

function mistakes(
  test: Dataset,
  indices: readonly number[],
  actual: (label: readonly number[]) => string,
  answer: (index: number) => string,
): Mistake[] {
  return indices.slice(0, mostMistakes).map((index) => {
    const { features, label } = test.get(index);
    const copy = test.features.dtype === 'uint8' ? Uint8Array.from(features) : Float32Array.from(features);
    const values = typeof label === 'number' ? [label] : Array.from(label);
    return {
      index,
      features: copy,
      shape: test.features.shape as number[],
      actual: actual(values),
      answer: answer(index),
    };
  });
}
