// A data set under other classes: the same examples, with indices in another list of names.

import { BnError, createArray, type Dataset, sizeOf } from '@bn/core';

/**
 * A view whose class `index[i]` of `classNames` is the class `i` of `dataset`; of several labels, column `i` becomes column
 * `index[i]`, and the columns of classes that the data lacks are 0. Nothing is copied.
 *
 * @throws BnError `argument` when the index does not lead from the data's classes into `classNames`
 */
export function relabel(dataset: Dataset, index: Int32Array, classNames: readonly string[]): Dataset {
  const { length, features, labels = { shape: [], dtype: 'int32' } } = dataset;
  const width = sizeOf(labels.shape);
  const isVector = labels.dtype === 'float32';
  if (index.some((to) => to < 0 || to >= classNames.length) || (isVector && index.length !== width)) {
    throw new BnError(
      'argument',
      `${index.length} indices do not lead from ${isVector ? width : 'the'} classes to ${classNames.length} names; give an index below ${classNames.length} for each`,
    );
  }
  const mapClass = (label: number): number => {
    const to = index[label];
    if (to !== undefined) return to;
    throw new BnError('data', `the label ${label} is none of the ${index.length} classes; correct the label`);
  };
  const mapVector = (label: ArrayLike<number>): Float32Array => {
    const to = new Float32Array(classNames.length);
    for (let i = 0; i < width; i++) to[index[i]!] = label[i]!;
    return to;
  };
  return {
    length,
    features,
    labels: isVector ? { shape: [classNames.length], dtype: 'float32' } : labels,
    classNames,
    get: (at) => {
      const { features: own, label } = dataset.get(at);
      return { features: own, label: typeof label === 'number' ? mapClass(label) : mapVector(label) };
    },
    ...(dataset.fill && {
      fill: (indices, into, to) => {
        const own = isVector ? createArray('float32', indices.length * width) : to;
        dataset.fill?.(indices, into, own);
        for (let i = 0; i < indices.length; i++) {
          if (isVector) to.set(mapVector(own.subarray(i * width, (i + 1) * width)), i * classNames.length);
          else to[i] = mapClass(own[i]!);
        }
      },
    }),
  };
}
