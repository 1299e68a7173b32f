// Everything in a data set, through its fast path.

import { createArray, type Dataset, sizeOf } from '@bn/core';

export function allOf(dataset: Dataset): { features: number[]; labels: number[] } {
  const features = createArray('uint8', dataset.length * sizeOf(dataset.features.shape));
  const labels = createArray('int32', dataset.length);
  dataset.fill?.(Array.from(labels.keys()), features, labels);
  return { features: [...features], labels: [...labels] };
}
