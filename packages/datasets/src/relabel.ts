// A data set with its classes, or its labels, in another order.

import { createArray, type Dataset, sizeOf, type TypedArray } from '@bn/core';

/**
 * The data set with each class index i as `index[i]`, or with several labels, each in place `index[i]` of
 * `classNames.length`. Nothing is copied.
 */
export function relabel(dataset: Dataset, index: ArrayLike<number>, classNames: readonly string[]): Dataset {
  const { length, features, labels } = dataset;
  const isSeveral = labels !== undefined && labels.shape.length > 0;
  const width = isSeveral ? sizeOf(labels.shape) : 1;
  const place = (from: ArrayLike<number>, to: TypedArray, count: number) => {
    if (!isSeveral) for (let i = 0; i < count; i++) to[i] = index[from[i]!]!;
    else
      for (let i = 0; i < count * width; i++)
        to[Math.floor(i / width) * classNames.length + index[i % width]!] = from[i]!;
  };
  return {
    length,
    features,
    ...(labels && { labels: isSeveral ? { ...labels, shape: [classNames.length] } : labels }),
    ...(dataset.valueNames ? { valueNames: classNames } : { classNames }),
    get(i) {
      const example = dataset.get(i);
      const { label } = example;
      const moved =
        typeof label === 'number' ? index[label]! : createArray(labels?.dtype ?? 'int32', classNames.length);
      if (typeof label !== 'number') place(label, moved as TypedArray, 1);
      // Features may be read when they are asked for.
      return {
        label: moved,
        get features() {
          return example.features;
        },
      };
    },
    ...(dataset.fill && {
      fill(indices, into, moved) {
        const own = createArray(labels?.dtype ?? 'int32', indices.length * width);
        dataset.fill?.(indices, into, own);
        place(own, moved, indices.length);
      },
    }),
    ...(dataset.load && {
      async load(indices, into, moved, context) {
        const own = createArray(labels?.dtype ?? 'int32', indices.length * width);
        await dataset.load?.(indices, into, own, context);
        place(own, moved, indices.length);
      },
    }),
  };
}
