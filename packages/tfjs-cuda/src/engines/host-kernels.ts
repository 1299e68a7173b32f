// Kernels in plain JavaScript for the engines whose tensors lie in this process's memory, where TensorFlow.js has none
// or one that takes many times as long.

import { stridesOf } from '@bn/core';
import type { ElementArray } from '../engine.js';
import type { Call, KernelName } from '../program/kernels.js';

/** Fills `y`, which holds anything. */
export type HostKernel<K extends KernelName> = (y: ElementArray, operands: ElementArray[], call: Call<K>) => void;

/** TensorFlow.js keeps the array of the old type where no value would change. */
export const cast: HostKernel<'Cast'> = (y, [x]) => y.set(x);

/** TensorFlow.js computes an index array per element. */
export const transpose: HostKernel<'Transpose'> = (y, [x], { operands, attributes: { perm }, result }) => {
  const strides = stridesOf(operands[0].shape);
  // Right-aligned in four axes; what is left over in front is walked one block after another.
  const axes = perm.map((axis, i) => ({ size: result.shape[i], stride: strides[axis] }));
  while (axes.length < 4) axes.unshift({ size: 1, stride: 0 });
  const [a, b, c, d] = axes.splice(-4) as [Axis, Axis, Axis, Axis];
  let at = 0;
  for (const start of offsets(axes)) {
    for (let i = 0; i < a.size; i++) {
      for (let j = 0; j < b.size; j++) {
        for (let k = 0; k < c.size; k++) {
          let from = start + i * a.stride + j * b.stride + k * c.stride;
          for (let l = 0; l < d.size; l++, from += d.stride) y[at++] = x[from];
        }
      }
    }
  }
};

/** Every element of a window gets an equal share of dy. */
export const avgPoolGradient: HostKernel<'AvgPoolGrad'> = (dx, [dy], { operands, attributes, result }) => {
  const { filterSize, strides } = attributes;
  const [batch, height, width, channels] = result.shape as [number, number, number, number];
  const [, rows, columns] = operands[0].shape as [number, number, number, number];
  const share = 1 / (filterSize[0] * filterSize[1]);
  dx.fill(0);
  let from = 0;
  for (let image = 0; image < batch; image++) {
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++, from += channels) {
        for (let k = 0; k < filterSize[0]; k++) {
          let to = ((image * height + i * strides[0] + k) * width + j * strides[1]) * channels;
          for (let l = 0; l < filterSize[1]; l++) {
            for (let c = 0; c < channels; c++) dx[to++] += dy[from + c] * share;
          }
        }
      }
    }
  }
};

/** The first largest element of a window, in row-major order, gets dy; NaN counts as larger than every number. */
export const maxPoolGradient: HostKernel<'MaxPoolGrad'> = (dx, [dy, x], { operands, attributes, result }) => {
  const { filterSize, strides } = attributes;
  const [batch, height, width, channels] = result.shape as [number, number, number, number];
  const [, rows, columns] = operands[0].shape as [number, number, number, number];
  dx.fill(0);
  let from = 0;
  for (let image = 0; image < batch; image++) {
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        const corner = ((image * height + i * strides[0]) * width + j * strides[1]) * channels;
        for (let c = 0; c < channels; c++) {
          let winner = corner + c;
          for (let k = 0; k < filterSize[0]; k++) {
            let at = corner + k * width * channels + c;
            for (let l = 0; l < filterSize[1]; l++, at += channels) {
              // True for anything larger, and for NaN unless the winner is NaN already.
              if (!(x[at] <= x[winner] || Number.isNaN(x[winner]))) winner = at;
            }
          }
          dx[winner] += dy[from++];
        }
      }
    }
  }
};

interface Axis {
  readonly size: number;
  readonly stride: number;
}

function offsets(axes: readonly Axis[]): number[] {
  return axes.reduce(
    (starts, { size, stride }) => starts.flatMap((start) => Array.from({ length: size }, (_, i) => start + i * stride)),
    [0],
  );
}
