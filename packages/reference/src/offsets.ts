// Where the elements of a tensor lie in memory: the index arithmetic of all kernels that move or broadcast.

import { stridesOf } from '@bn/core';

/** start + Σ index[i] · strides[i] for every index into `shape`, in row-major order. */
export function offsets(shape: readonly number[], strides: readonly number[], start = 0): Int32Array {
  let result = Int32Array.of(start);
  shape.forEach((size, axis) => {
    const outer = result;
    const stride = strides[axis];
    result = new Int32Array(outer.length * size);
    let at = 0;
    for (const offset of outer) {
      for (let i = 0; i < size; i++) result[at++] = offset + i * stride;
    }
  });
  return result;
}

/** For every element of a tensor of shape `target`, the offset of the element of `shape` that broadcasts to it. */
export function broadcastOffsets(shape: readonly number[], target: readonly number[]): Int32Array {
  const strides = stridesOf(shape);
  const added = target.length - shape.length;
  const stretched = target.map((_, i) => (i < added || shape[i - added] === 1 ? 0 : strides[i - added]));
  return offsets(target, stretched);
}
