// Convolution and its two gradients: one relation between image x, filter w and result y, read in three directions.
// Sums accumulate in double precision.

import type { ConvolutionGeometry } from '@bn/core';
import type { KernelTable } from '../kernel.js';
import { tapsOf } from '../taps.js';

export const convolution = {
  // y[window] += x[image] · w[kernel]
  conv2d: (y, [{ data: x, shape: xShape }, { data: w, shape: wShape }], geometry) => {
    const sums = new Float64Array(y.data.length);
    const { count, window, kernel, image } = convolutionTaps(xShape, wShape, y.shape, geometry);
    forEachPlane(xShape, wShape, y.shape, geometry, (xAt, wAt, yAt) => {
      for (let t = 0; t < count; t++) sums[yAt + window[t]] += x[xAt + image[t]] * w[wAt + kernel[t]];
    });
    y.data.set(sums);
  },
  // dx[image] += dy[window] · w[kernel]
  conv2dInputGradient: (dx, [{ data: dy, shape: dyShape }, { data: w, shape: wShape }], geometry) => {
    const sums = new Float64Array(dx.data.length);
    const { count, window, kernel, image } = convolutionTaps(dx.shape, wShape, dyShape, geometry);
    forEachPlane(dx.shape, wShape, dyShape, geometry, (xAt, wAt, yAt) => {
      for (let t = 0; t < count; t++) sums[xAt + image[t]] += dy[yAt + window[t]] * w[wAt + kernel[t]];
    });
    dx.data.set(sums);
  },
  // dw[kernel] += x[image] · dy[window]
  conv2dFilterGradient: (dw, [{ data: x, shape: xShape }, { data: dy, shape: dyShape }], geometry) => {
    const sums = new Float64Array(dw.data.length);
    const { count, window, kernel, image } = convolutionTaps(xShape, dw.shape, dyShape, geometry);
    forEachPlane(xShape, dw.shape, dyShape, geometry, (xAt, wAt, yAt) => {
      for (let t = 0; t < count; t++) sums[wAt + kernel[t]] += x[xAt + image[t]] * dy[yAt + window[t]];
    });
    dw.data.set(sums);
  },
} satisfies Partial<KernelTable>;

function convolutionTaps(
  x: readonly number[],
  w: readonly number[],
  y: readonly number[],
  geometry: ConvolutionGeometry,
) {
  return tapsOf(x.slice(2), y.slice(2), { ...geometry, kernelSize: [w[2], w[3]] });
}

/** Calls `body` for each image, output channel and input channel of its group, with where their planes start. */
function forEachPlane(
  [batch, channels, ...xSize]: readonly number[],
  [out, inGroup, ...wSize]: readonly number[],
  [, , ...ySize]: readonly number[],
  { groups }: ConvolutionGeometry,
  body: (xAt: number, wAt: number, yAt: number) => void,
): void {
  for (let image = 0; image < batch; image++) {
    for (let o = 0; o < out; o++) {
      const firstChannel = Math.floor((o * groups) / out) * inGroup;
      for (let c = 0; c < inGroup; c++) {
        const xAt = (image * channels + firstChannel + c) * xSize[0] * xSize[1];
        const wAt = (o * inGroup + c) * wSize[0] * wSize[1];
        body(xAt, wAt, (image * out + o) * ySize[0] * ySize[1]);
      }
    }
  }
}
