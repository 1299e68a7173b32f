// Kernels that move elements without computing.

import { stridesOf } from '@bn/core';
import type { KernelTable } from '../kernel.js';
import { broadcastOffsets, offsets } from '../offsets.js';

export const shapeOperations = {
  reshape: (y, [x]) => y.data.set(x.data),
  transpose: (y, [x], { permutation }) => {
    const strides = stridesOf(x.shape);
    const from = offsets(
      y.shape,
      permutation.map((axis) => strides[axis]),
    );
    for (let i = 0; i < y.data.length; i++) y.data[i] = x.data[from[i]];
  },
  broadcastTo: (y, [x]) => {
    const from = broadcastOffsets(x.shape, y.shape);
    for (let i = 0; i < y.data.length; i++) y.data[i] = x.data[from[i]];
  },
  pad: (y, [x], { before, value }) => {
    y.data.fill(value);
    const to = offsets(x.shape, stridesOf(y.shape), startOffset(before, y.shape));
    for (let i = 0; i < x.data.length; i++) y.data[to[i]] = x.data[i];
  },
  slice: (y, [x], { start }) => {
    const from = offsets(y.shape, stridesOf(x.shape), startOffset(start, x.shape));
    for (let i = 0; i < y.data.length; i++) y.data[i] = x.data[from[i]];
  },
  concat: (y, inputs, { axis }) => {
    const strides = stridesOf(y.shape);
    let position = 0;
    for (const x of inputs) {
      const to = offsets(x.shape, strides, position * strides[axis]);
      for (let i = 0; i < x.data.length; i++) y.data[to[i]] = x.data[i];
      position += x.shape[axis];
    }
  },
  gather: (y, [x, indices], { axis }) => {
    const size = x.shape[axis];
    const stride = stridesOf(x.shape)[axis];
    const outer = x.data.length / (size * stride);
    let at = 0;
    for (let i = 0; i < outer; i++) {
      for (const index of indices.data) {
        for (let j = 0; j < stride; j++) y.data[at++] = x.data[(i * size + index) * stride + j];
      }
    }
  },
  iota: (y, _, { axis }) => {
    const counting = offsets(
      y.shape,
      y.shape.map((_, i) => (i === axis ? 1 : 0)),
    );
    y.data.set(counting);
  },
} satisfies Partial<KernelTable>;

function startOffset(start: readonly number[], shape: readonly number[]): number {
  const strides = stridesOf(shape);
  return start.reduce((sum, n, axis) => sum + n * strides[axis], 0);
}
