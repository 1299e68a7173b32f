// Convolution and its two gradients: one relation between image x, filter w and result y, read in three directions.
// Sums accumulate in double precision.

import type { ConvolutionGeometry } from '@bn/core';
import type { KernelTable } from '../kernel.js';
import { tapsOf } from '../taps.js';

export const convolution = {
  // y[window] += x[image] · w[kernel element]
  conv2d: (y, [{ data: x, shape: xShape }, { data: w, shape: wShape }], geometry) => {
    const sums = new Float64Array(y.data.length);
    forEachTap(xShape, wShape, y.shape, geometry, (window, image, xAt, wAt, yAt) => {
      const weight = w[wAt];
      for (let t = 0; t < window.length; t++) sums[yAt + window[t]] += x[xAt + image[t]] * weight;
    });
    y.data.set(sums);
  },
  // dx[image] += dy[window] · w[kernel element]
  conv2dInputGradient: (dx, [{ data: dy, shape: dyShape }, { data: w, shape: wShape }], geometry) => {
    const sums = new Float64Array(dx.data.length);
    forEachTap(dx.shape, wShape, dyShape, geometry, (window, image, xAt, wAt, yAt) => {
      const weight = w[wAt];
      for (let t = 0; t < window.length; t++) sums[xAt + image[t]] += dy[yAt + window[t]] * weight;
    });
    dx.data.set(sums);
  },
  // dw[kernel element] += x[image] · dy[window]
  conv2dFilterGradient: (dw, [{ data: x, shape: xShape }, { data: dy, shape: dyShape }], geometry) => {
    const sums = new Float64Array(dw.data.length);
    forEachTap(xShape, dw.shape, dyShape, geometry, (window, image, xAt, wAt, yAt) => {
      let sum = 0;
      for (let t = 0; t < window.length; t++) sum += x[xAt + image[t]] * dy[yAt + window[t]];
      sums[wAt] += sum;
    });
    dw.data.set(sums);
  },
} satisfies Partial<KernelTable>;

/**
 * Calls `body` for each image, output channel, input channel of its group and kernel element: with the windows that
 * see something through this element, what they see, and where the planes of x and y and the element of w are.
 */
function forEachTap(
  [batch, channels, ...xSize]: readonly number[],
  [out, inGroup, ...kernelSize]: readonly number[],
  [, , ...ySize]: readonly number[],
  geometry: ConvolutionGeometry,
  body: (window: Int32Array, image: Int32Array, xAt: number, wAt: number, yAt: number) => void,
): void {
  const taps = tapsOf(xSize, ySize, { ...geometry, kernelSize: [kernelSize[0], kernelSize[1]] });
  for (let n = 0; n < batch; n++) {
    for (let o = 0; o < out; o++) {
      const firstChannel = Math.floor((o * geometry.groups) / out) * inGroup;
      for (let c = 0; c < inGroup; c++) {
        const xAt = (n * channels + firstChannel + c) * xSize[0] * xSize[1];
        const yAt = (n * out + o) * ySize[0] * ySize[1];
        const wAt = (o * inGroup + c) * taps.length;
        for (let k = 0; k < taps.length; k++) body(taps[k].window, taps[k].image, xAt, wAt + k, yAt);
      }
    }
  }
}
