// What a data set's labels are among a model's outputs.

import { BnError, type Dataset, matchClasses, type OutputSignature, sizeOf } from '@bn/core';
import { answerNames } from '../classify/answers.js';

export interface Targets {
  /** The class of each example; or 0 or 1 for each label, or each value, in the order of the outputs. */
  readonly values: ArrayLike<number>;
  /** Of classes, labels or values, in the order of the outputs. */
  readonly names: readonly string[];
  /** What should be known of the match, else null. */
  readonly note: string | null;
}

/**
 * Matches classes, labels and values by name.
 *
 * @throws BnError `data` if they are of another kind than what the model gives, or others than it knows
 */
export function targetsOf(dataset: Dataset, output: OutputSignature): Targets {
  const { kind, size } = output;
  if ((dataset.labels?.shape.length ?? 0) > 0) return listTargets(dataset, output);
  const labels = Int32Array.from({ length: dataset.length }, (_, i) => dataset.get(i).label as number);
  if (kind === 'values') {
    if (!dataset.classNames && size === 1) return { values: labels, names: answerNames(output), note: null };
    throw new BnError('data', `the data has classes, the model gives ${size} value(s); give data of values`);
  }
  // One score tells two classes apart: it is that of the second one.
  const isBinary = kind === 'scores' && size === 1;
  const count = dataset.classNames?.length ?? labels.reduce((most, label) => Math.max(most, label + 1), 1);
  const { index, names, note } = matchClasses(
    { count, names: dataset.classNames ?? null, present: new Set(labels), what: 'the data' },
    { count: isBinary ? 2 : size, names: isBinary ? null : output.names, what: 'the model' },
  );
  const classes = labels.map((label) => index[label]!);
  if (isBinary) return { values: classes, names: [names[1]!], note };
  if (kind !== 'scores') return { values: classes, names, note };
  return { values: Array.from(classes, (one) => names.map((_, i) => Number(i === one))).flat(), names, note };
}

/** Of several labels or values for each example. */
function listTargets(dataset: Dataset, output: OutputSignature): Targets {
  const { kind, size } = output;
  const given = sizeOf(dataset.labels!.shape);
  if (given !== size || (kind !== 'scores' && kind !== 'values')) {
    const expected = kind === 'scores' ? `${size} label(s)` : kind === 'values' ? `${size} value(s)` : 'one class';
    throw new BnError(
      'data',
      `the data has ${given} numbers for each example, the model gives ${expected}; give data of those`,
    );
  }
  const own = (kind === 'scores' ? dataset.classNames : dataset.valueNames) ?? null;
  const match = matchClasses(
    { count: given, names: own, what: 'the data' },
    { count: given, names: output.names, what: 'the model' },
  );
  const values = new Float32Array(dataset.length * given);
  for (let i = 0; i < dataset.length; i++) {
    const { label } = dataset.get(i);
    const numbers = typeof label === 'number' ? [label] : label;
    for (let j = 0; j < given; j++) values[i * given + match.index[j]!] = numbers[j]!;
  }
  const odd = kind === 'scores' ? values.findIndex((value) => value !== 0 && value !== 1) : -1;
  if (odd >= 0) {
    const example = Math.floor(odd / given);
    throw new BnError('data', `example ${example} has the label ${values[odd]}; labels are 0 or 1, correct the data`);
  }
  return { values, names: (own ?? output.names) ? match.names : answerNames(output), note: match.note };
}
