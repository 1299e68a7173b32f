// How good answers are: by what the model gives.

import {
  type Confusion,
  countConfusion,
  type Measures,
  measure,
  measureLabels,
  measureValues,
  type OutputSignature,
  type ValueMeasures,
} from '@bn/core';
import type { Targets } from './targets.js';

export interface ClassEvaluation extends Measures {
  readonly names: readonly string[];
  /** Mean of -log(probability of what is true). */
  readonly loss: number;
  /** null of labels. */
  readonly confusion: Confusion | null;
}

export interface ValueEvaluation {
  readonly names: readonly string[];
  readonly values: readonly ValueMeasures[];
  /** Over all values. */
  readonly mean: ValueMeasures;
}

export type Evaluation = ClassEvaluation | ValueEvaluation;

/** The least a probability counts as in the loss: the smallest number above 0 of its type, float32. */
const leastProbability = 2 ** -149;

/**
 * The class that is said is the most probable, of equal ones the lowest; a label is said to be there with a score of ½ or more.
 *
 * @param answers of all examples, `size` for each
 */
export function evaluate(
  answers: Float32Array,
  { values: targets, names }: Targets,
  { kind, size }: OutputSignature,
): Evaluation {
  if (kind === 'values') return evaluateValues(answers, targets, names);
  if (kind === 'scores') {
    const said = answers.map((score) => (score >= 0.5 ? 1 : 0));
    const loss = answers.reduce((sum, score, i) => sum + surprise(targets[i] === 1 ? score : 1 - score), 0);
    return { ...measureLabels(targets, said, names.length), loss: loss / answers.length, confusion: null, names };
  }
  let loss = 0;
  const said = Int32Array.from(targets, (label, i) => {
    const row = answers.subarray(i * size, (i + 1) * size);
    loss += surprise(row[label]!);
    return row.reduce((best, value, index) => (value > row[best]! ? index : best), 0);
  });
  const confusion = countConfusion(targets, said, size);
  return { ...measure(confusion), loss: loss / targets.length, confusion, names };
}

function evaluateValues(answers: Float32Array, targets: ArrayLike<number>, names: readonly string[]): ValueEvaluation {
  const values = measureValues(targets, answers, names.length);
  const over = (key: keyof ValueMeasures) => values.reduce((sum, one) => sum + one[key], 0) / values.length;
  const mean = { absoluteError: over('absoluteError'), squaredError: over('squaredError'), rSquared: over('rSquared') };
  return { names, values, mean };
}

function surprise(probability: number): number {
  return -Math.log(Math.max(probability, leastProbability));
}
