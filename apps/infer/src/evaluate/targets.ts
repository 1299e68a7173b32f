// What a data set's labels are among a model's outputs.

import { BnError, type ClassList, type Dataset, matchClasses, type OutputSignature, sizeOf } from '@bn/core';
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
  const { size } = output;
  const isClass = (dataset.labels?.shape.length ?? 0) === 0;
  if (output.kind === 'values') return valueTargets(dataset, output);
  if (isClass) {
    // One score tells two classes apart: it is that of the second one.
    const isBinary = output.kind === 'scores' && size === 1;
    const labels = Int32Array.from({ length: dataset.length }, (_, i) => dataset.get(i).label as number);
    const known = { count: isBinary ? 2 : size, names: isBinary ? null : output.names, what: 'the model' };
    const { index, names, note } = matchClasses(classesOf(dataset, labels), known);
    const classes = labels.map((label) => index[label]!);
    if (isBinary) return { values: classes, names: [names[1]!], note };
    if (output.kind !== 'scores') return { values: classes, names, note };
    return { values: Array.from(classes, (one) => names.map((_, i) => (i === one ? 1 : 0))).flat(), names, note };
  }
  if (output.kind === 'scores') return severalTargets(dataset, output, dataset.classNames, 'labels');
  throw new BnError(
    'data',
    'the data has several labels for each example, the model gives one class; give data of classes',
  );
}

function classesOf({ classNames }: Dataset, labels: Int32Array): ClassList {
  const count = classNames?.length ?? labels.reduce((most, label) => Math.max(most, label + 1), 1);
  return { count, names: classNames ?? null, what: 'the data' };
}

function valueTargets(dataset: Dataset, output: OutputSignature): Targets {
  if (dataset.labels?.dtype === 'float32') return severalTargets(dataset, output, dataset.valueNames, 'values');
  if (dataset.classNames || output.size > 1) {
    throw new BnError('data', `the data has classes, the model gives ${output.size} values; give data of values`);
  }
  return {
    values: Array.from({ length: dataset.length }, (_, i) => dataset.get(i).label as number),
    names: answerNames(output),
    note: null,
  };
}

function severalTargets(
  dataset: Dataset,
  output: OutputSignature,
  names: readonly string[] | undefined,
  what: string,
): Targets {
  const given = sizeOf(dataset.labels!.shape);
  if (given !== output.size) {
    throw new BnError(
      'data',
      `the data has ${given} ${what} for each example, the model gives ${output.size}; give data of those`,
    );
  }
  const match = matchClasses(
    { count: given, names: names ?? null, what: 'the data' },
    { count: given, names: output.names, what: 'the model' },
  );
  const values = new Float32Array(dataset.length * given);
  for (let i = 0; i < dataset.length; i++) {
    const { label } = dataset.get(i);
    for (let j = 0; j < given; j++) values[i * given + match.index[j]!] = typeof label === 'number' ? label : label[j]!;
  }
  return { values, names: output.names || names ? match.names : answerNames(output), note: match.note };
}
