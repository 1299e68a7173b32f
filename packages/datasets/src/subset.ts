// Some examples of a data set, as a data set.

import { BnError, type Dataset } from '@bn/core';

/**
 * A view of the first `selection` examples, or of the examples at the indices `selection`, in that order (an index may
 * occur more than once). Nothing is copied, and the classes stay those of `dataset`.
 *
 * @throws BnError `argument` when the selection is empty or not within the data set.
 */
export function subset(dataset: Dataset, selection: number | ArrayLike<number>): Dataset {
  const indices = typeof selection === 'number' ? firstIndices(dataset, selection) : checkedIndices(dataset, selection);
  const at = (position: number): number => {
    const index = indices[position];
    if (index === undefined) {
      throw new BnError('argument', `there is no example ${position}; indices go from 0 to ${indices.length - 1}`);
    }
    return index;
  };
  return {
    length: indices.length,
    features: dataset.features,
    ...(dataset.labels && { labels: dataset.labels }),
    ...(dataset.classNames && { classNames: dataset.classNames }),
    ...(dataset.valueNames && { valueNames: dataset.valueNames }),
    get: (position) => dataset.get(at(position)),
    ...(dataset.fill && {
      fill: (positions, features, labels) => dataset.fill?.(Int32Array.from(positions, at), features, labels),
    }),
    ...(dataset.load && {
      load: async (positions, features, labels, context) =>
        dataset.load?.(Int32Array.from(positions, at), features, labels, context),
    }),
  };
}

function firstIndices(dataset: Dataset, count: number): Int32Array {
  const { length } = dataset;
  if (!(Number.isInteger(count) && count > 0 && count <= length)) {
    throw new BnError('argument', `cannot take ${count} of ${length} examples; give a count from 1 to ${length}`);
  }
  return Int32Array.from({ length: count }, (_, i) => i);
}

function checkedIndices(dataset: Dataset, selection: ArrayLike<number>): Int32Array {
  if (selection.length === 0) throw new BnError('argument', 'the subset is empty; give at least one index');
  return Int32Array.from(selection, (index) => {
    if (!(Number.isInteger(index) && index >= 0 && index < dataset.length)) {
      throw new BnError('argument', `there is no example ${index}; indices go from 0 to ${dataset.length - 1}`);
    }
    return index;
  });
}
