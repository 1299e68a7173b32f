// What the answers for all test examples say: by the task, the only place of the program that tells tasks apart.

import { labelsOf, type RunData } from '@bn/command-line';
import {
  assembleBatch,
  countConfusion,
  type Dataset,
  type Measures,
  measure,
  measureLabels,
  measureValues,
  numbered,
  type Task,
  type Trainer,
} from '@bn/core';
import { pictureOf } from '../report/picture.js';
import type { MeasureTable, TestResult } from '../run-record.js';

/** Wrong examples that a report gets to see. */
const mostMistakes = 64;

type Numbers = ArrayLike<number>;

/** A label, or an answer, in words. */
const texts: Readonly<Record<Task, (values: readonly number[], names: readonly string[]) => string>> = {
  classify: ([label], names) => names[label!]!,
  multilabel: (values, names) => names.filter((_, i) => values[i] === 1).join(', ') || 'none',
  regress: (values, names) => values.map((value, i) => `${names[i]} ${value.toPrecision(4)}`).join(', '),
};

/**
 * @param answers the trainer's for all test examples, one after another
 * @param trainer is asked how sure the network is of its wrong answers
 */
export async function testResult(
  task: Task,
  { test, outputs, names: given }: RunData,
  answers: Numbers,
  trainer: Trainer,
): Promise<TestResult> {
  const width = answers.length / test.length;
  const labels = labelsOf(test);
  const said = labels.map((_, i) => Array.from({ length: width }, (_, j) => answers[i * width + j]!));
  const targets = labels.flat();
  const names = given ?? numbered(outputs);
  const confusion = task === 'classify' ? countConfusion(targets, answers, outputs) : [];
  const measured = () => (task === 'classify' ? measure(confusion) : measureLabels(targets, answers, width));
  const textOf = (values: readonly number[]) => texts[task](values, names);
  const wrong = wrongExamples(task, labels, said);
  const confidences = task === 'classify' ? await confidencesOf(trainer, test, wrong) : null;
  const worst = confidences ? [...wrong].sort((a, b) => confidences.get(b)! - confidences.get(a)!) : wrong;
  return {
    ...{ names, confusion },
    measures: task === 'regress' ? valueTable(targets, answers, names) : classTable(measured(), names),
    mistakes: worst.slice(0, mostMistakes).map((i) => ({
      ...{ index: i, ...pictureOf(test, i), actual: textOf(labels[i]!), answer: textOf(said[i]!) },
      ...(confidences && { confidence: confidences.get(i)! }),
    })),
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

/** The probability of the answer to each of these examples. */
async function confidencesOf(
  trainer: Trainer,
  test: Dataset,
  indices: readonly number[],
): Promise<Map<number, number>> {
  const confidences = new Map<number, number>();
  // Batches of one size, of which the last begins anew: the prediction is compiled once.
  const size = Math.min(256, indices.length);
  for (let start = 0; start < indices.length; start += size) {
    const batch = Array.from({ length: size }, (_, i) => indices[(start + i) % indices.length]!);
    const logits = await trainer.predict(assembleBatch(test, batch).features);
    const classes = logits.length / size;
    for (const [i, index] of batch.entries()) {
      const own = logits.subarray(i * classes, (i + 1) * classes);
      const greatest = own.reduce((a, b) => Math.max(a, b));
      confidences.set(index, 1 / own.reduce((sum, logit) => sum + Math.exp(logit - greatest), 0));
    }
  }
  return confidences;
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
