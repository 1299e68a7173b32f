// What the counts of right and wrong answers say of a classifier.

/** Shares from 0 to 1; null where there is nothing to take a share of. */
export interface ClassMeasures {
  /** Of the examples said to be of the class, how many are. */
  readonly precision: number | null;
  /** Of the examples of the class, how many are said to be. */
  readonly recall: number | null;
  /** The harmonic mean of both. */
  readonly f1: number | null;
  /** Examples of the class. */
  readonly support: number;
}

export interface Measures {
  readonly accuracy: number;
  readonly classes: readonly ClassMeasures[];
  /**
   * The plain mean over the classes that occur, as label or as prediction; what is null counts as 0, as scikit-learn's
   * macro average has it.
   */
  readonly mean: ClassMeasures;
}

/** Examples by `[actual][predicted]`. */
export type Confusion = readonly (readonly number[])[];

/** @param labels the class of each example; `predicted`, the class that it is said to be */
export function countConfusion(labels: ArrayLike<number>, predicted: ArrayLike<number>, classes: number): Confusion {
  const counts = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (let i = 0; i < labels.length; i++) counts[labels[i]!]![predicted[i]!]!++;
  return counts;
}

export function measure(confusion: Confusion): Measures {
  const support = confusion.map((row) => sum(row));
  const said = confusion.map(() => 0);
  for (const row of confusion) for (let i = 0; i < row.length; i++) said[i]! += row[i]!;
  const total = sum(support);
  const classes = confusion.map((row, i) => ({
    precision: share(row[i]!, said[i]!),
    recall: share(row[i]!, support[i]!),
    f1: share(2 * row[i]!, said[i]! + support[i]!),
    support: support[i]!,
  }));
  return summarize(classes, sum(confusion.map((row, i) => row[i]!)) / total);
}

/** How often examples of one class are said to be of another, the most frequent first. */
export function mistakesIn(confusion: Confusion): { actual: number; predicted: number; count: number }[] {
  const mistakes = [];
  for (const [actual, row] of confusion.entries()) {
    for (let predicted = 0; predicted < row.length; predicted++) {
      const count = row[predicted]!;
      if (actual !== predicted && count > 0) mistakes.push({ actual, predicted, count });
    }
  }
  return mistakes.sort((a, b) => b.count - a.count);
}

/** Adds the mean over classes. */
function summarize(classes: readonly ClassMeasures[], accuracy: number): Measures {
  const occurring = classes.filter(({ f1 }) => f1 !== null);
  const mean = (key: 'precision' | 'recall' | 'f1') =>
    share(sum(occurring.map((one) => one[key] ?? 0)), occurring.length);
  const support = sum(classes.map((one) => one.support));
  return {
    accuracy,
    classes,
    mean: { precision: mean('precision'), recall: mean('recall'), f1: mean('f1'), support },
  };
}

function share(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/**
 * Measures of each label, and their mean over the labels that occur; `accuracy` is the share of labels told right.
 *
 * @param targets 0 or 1, `labels` for each example
 * @param answers 0 or 1, likewise
 */
export function measureLabels(targets: ArrayLike<number>, answers: ArrayLike<number>, labels: number): Measures {
  const counts = Array.from({ length: labels }, () => [
    [0, 0],
    [0, 0],
  ]);
  for (let i = 0; i < targets.length; i++) counts[i % labels]![targets[i]!]![answers[i]!]!++;
  const each = counts.map((confusion: Confusion) => measure(confusion).classes[1]!);
  const right = counts.reduce((sum, [absent, present]) => sum + absent![0]! + present![1]!, 0);
  return summarize(each, right / targets.length);
}
