// What a data set's labels are among a model's outputs.

import { labelsOf, numbersIn } from '@bn/command-line';
import { answerNames, BnError, type Dataset, matchClasses, type OutputSignature } from '@bn/core';
import { relabel } from '@bn/datasets';

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
  const labels = labelsOf(dataset);
  const areClasses = (dataset.labels?.shape.length ?? 0) === 0;
  requireKind(dataset, areClasses, labels, output);
  if (areClasses && kind === 'values') return { values: labels.flat(), names: answerNames(output), note: null };
  // One score tells two classes apart: it is that of the second one.
  const isBinary = areClasses && kind === 'scores' && size === 1;
  const own = dataset.classNames ?? dataset.valueNames ?? null;
  const present = areClasses ? numbersIn(dataset) : new Set<number>();
  const count = own?.length ?? (areClasses ? Math.max(...present) + 1 : size);
  const match = matchClasses(
    { count, names: own, ...(areClasses && { present }), what: 'the data' },
    { count: isBinary ? 2 : size, names: isBinary ? null : output.names, what: 'the model' },
  );
  const { index, note } = match;
  const names = areClasses || own || output.names ? match.names : answerNames(output);
  const values = labelsOf(relabel(dataset, index, names)).flat();
  if (isBinary) return { values, names: [names[1]!], note };
  if (!areClasses || kind !== 'scores') return { values, names, note };
  return { values: values.flatMap((one) => names.map((_, i) => Number(i === one))), names, note };
}

function requireKind(
  { classNames }: Dataset,
  areClasses: boolean,
  labels: readonly (readonly number[])[],
  { kind, size }: OutputSignature,
): void {
  if (areClasses) {
    if (kind !== 'values' || (!classNames && size === 1)) return;
    throw new BnError('data', `the data has classes, the model gives ${size} value(s); give data of values`);
  }
  const width = labels[0]!.length;
  if (width !== size || (kind !== 'scores' && kind !== 'values')) {
    const expected = kind === 'scores' ? `${size} label(s)` : kind === 'values' ? `${size} value(s)` : 'one class';
    const problem = `the data has ${width} numbers for each example, the model gives ${expected}`;
    throw new BnError('data', `${problem}; give data of those`);
  }
  if (kind === 'values') return;
  const odd = (label: number) => label !== 0 && label !== 1;
  const example = labels.findIndex((row) => row.some(odd));
  if (example < 0) return;
  const problem = `example ${example} has the label ${labels[example]!.find(odd)}`;
  throw new BnError('data', `${problem}; labels are 0 or 1, correct the data`);
}
