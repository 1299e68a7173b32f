// Reductions. Sums accumulate in double precision whatever the result's type. NaN counts as larger than every number,
// and the first one wins: max gives NaN, argmax its place.

import { stridesOf } from '@bn/core';
import type { Elements, KernelTable } from '../kernel.js';
import { offsets } from '../offsets.js';

export const reduction = {
  sum: (y, [x], { axes }) => {
    const sums = new Float64Array(y.data.length);
    const target = reducedOffsets(x, axes);
    for (let i = 0; i < x.data.length; i++) sums[target[i]] += x.data[i];
    y.data.set(sums);
  },
  max: (y, [x], { axes }) => {
    const largest = new Float64Array(y.data.length).fill(Number.NEGATIVE_INFINITY);
    const target = reducedOffsets(x, axes);
    for (let i = 0; i < x.data.length; i++) largest[target[i]] = Math.max(largest[target[i]], x.data[i]);
    y.data.set(largest);
  },
  argmax: (y, [x], { axis }) => {
    const stride = stridesOf(x.shape)[axis];
    const start = offsets(
      x.shape.filter((_, i) => i !== axis),
      stridesOf(x.shape).filter((_, i) => i !== axis),
    );
    for (let i = 0; i < y.data.length; i++) {
      let best = 0;
      for (let j = 1; j < x.shape[axis]; j++) {
        if (beats(x.data[start[i] + j * stride], x.data[start[i] + best * stride])) best = j;
      }
      y.data[i] = best;
    }
  },
} satisfies Partial<KernelTable>;

/** Whether a later value takes the first place from an earlier one. */
export function beats(later: number, earlier: number): boolean {
  return later > earlier || (Number.isNaN(later) && !Number.isNaN(earlier));
}

/** For every element of x, the offset of the result's element that it goes into. */
function reducedOffsets(x: Elements, axes: readonly number[]): Int32Array {
  const kept = stridesOf(x.shape.map((n, i) => (axes.includes(i) ? 1 : n)));
  return offsets(
    x.shape,
    kept.map((stride, i) => (axes.includes(i) ? 0 : stride)),
  );
}
