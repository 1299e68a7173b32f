// Which class of the model each label of the data is.

import { labelOf } from '@bn/command-line';
import { BnError, type Dataset } from '@bn/core';

export interface MatchedClasses {
  /** The model's class of each example. */
  readonly labels: Int32Array;
  /** In the order of the model's classes. */
  readonly classNames: readonly string[];
  /** What should be known of the match, else null. */
  readonly warning: string | null;
}

/**
 * Classes that have names are matched by them, in whatever order; the data may lack some. Where data or model have none,
 * numbers are: the label is the model's output.
 *
 * @throws BnError `data` if the data has a class that the model lacks
 */
export function matchClasses(dataset: Dataset, modelNames: readonly string[]): MatchedClasses {
  const given = Int32Array.from({ length: dataset.length }, (_, i) => labelOf(dataset, i));
  const names = dataset.classNames;
  if (!names) return { labels: requireKnown(given, modelNames.length), classNames: modelNames, warning: null };
  const positions = names.map((name, i) => (modelNames[i] === name ? i : modelNames.indexOf(name)));
  const unknown = names.filter((_, i) => positions[i] === -1);
  if (unknown.length === 0) {
    return { labels: given.map((label) => positions[label]!), classNames: modelNames, warning: null };
  }
  const unnamed = modelNames.every((name, i) => name === String(i));
  if (unnamed && names.length === modelNames.length) {
    const warning = "the model's file has no names of classes: those of the data are taken in their order";
    return { labels: given, classNames: names, warning };
  }
  throw new BnError(
    'data',
    `the data has the classes ${unknown.join(', ')}, which the model lacks; it has ${modelNames.join(', ')}; give data of these classes`,
  );
}

function requireKnown(labels: Int32Array, classes: number): Int32Array {
  const wrong = labels.findIndex((label) => label >= classes);
  if (wrong === -1) return labels;
  throw new BnError(
    'data',
    `example ${wrong} has the label ${labels[wrong]}, but the model has ${classes} classes, 0 to ${classes - 1}; give the data that it was made for`,
  );
}
