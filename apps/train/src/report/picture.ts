// A picture of a data set.

import type { Dataset } from '@bn/core';

export interface Picture {
  readonly features: ArrayLike<number>;
  /** `[channels, height, width]` */
  readonly shape: readonly number[];
}

/** Whether examples of this shape can be shown: grey or RGB. */
export function isPicture(shape: readonly (number | null)[]): boolean {
  return shape.length === 3 && (shape[0] === 1 || shape[0] === 3);
}

/** A copy of an example's features, which a data set may write over. */
export function pictureOf(data: Dataset, index: number): Picture {
  const { features } = data.get(index);
  const copy = data.features.dtype === 'uint8' ? Uint8Array.from(features) : Float32Array.from(features);
  return { features: copy, shape: data.features.shape as number[] };
}
