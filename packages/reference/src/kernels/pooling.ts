// Pooling and its gradients, plane by plane. A plane is one channel of one image.

import type { AveragePoolingGeometry } from '@bn/core';
import type { Elements, KernelTable } from '../kernel.js';
import { type Taps, tapsOf } from '../taps.js';
import { beats } from './reduction.js';

export const pooling = {
  avgPool2d: (y, [x], geometry) => {
    const taps = tapsOf(x.shape.slice(2), y.shape.slice(2), geometry);
    const divisors = divisorsOf(taps, y, geometry);
    const sums = new Float64Array(y.data.length);
    forEachPlane(x, y, (xAt, yAt) => {
      for (const { window, image } of taps) {
        for (let t = 0; t < window.length; t++) sums[yAt + window[t]] += x.data[xAt + image[t]];
      }
    });
    for (let i = 0; i < sums.length; i++) y.data[i] = sums[i] / divisors[i % divisors.length];
  },
  avgPool2dGradient: (dx, [dy], geometry) => {
    const taps = tapsOf(dx.shape.slice(2), dy.shape.slice(2), geometry);
    const divisors = divisorsOf(taps, dy, geometry);
    const sums = new Float64Array(dx.data.length);
    forEachPlane(dx, dy, (xAt, yAt) => {
      for (const { window, image } of taps) {
        for (let t = 0; t < window.length; t++) {
          sums[xAt + image[t]] += dy.data[yAt + window[t]] / divisors[window[t]];
        }
      }
    });
    dx.data.set(sums);
  },
  maxPool2d: (y, [x], geometry) => {
    const taps = tapsOf(x.shape.slice(2), y.shape.slice(2), geometry);
    forEachPlane(x, y, (xAt, yAt) => {
      winners(x, xAt, y, taps).forEach((winner, window) => {
        y.data[yAt + window] = winner < 0 ? Number.NEGATIVE_INFINITY : x.data[xAt + winner];
      });
    });
  },
  maxPool2dGradient: (dx, [x, dy], geometry) => {
    const taps = tapsOf(x.shape.slice(2), dy.shape.slice(2), geometry);
    const sums = new Float64Array(dx.data.length);
    forEachPlane(x, dy, (xAt, yAt) => {
      winners(x, xAt, dy, taps).forEach((winner, window) => {
        if (winner >= 0) sums[xAt + winner] += dy.data[yAt + window];
      });
    });
    dx.data.set(sums);
  },
} satisfies Partial<KernelTable>;

/** Calls `body` for each image and channel, with where its planes start in x and y. */
function forEachPlane(x: Elements, y: Elements, body: (xAt: number, yAt: number) => void): void {
  const [batch, channels] = x.shape;
  for (let plane = 0; plane < batch * channels; plane++) {
    body(plane * x.shape[2] * x.shape[3], plane * y.shape[2] * y.shape[3]);
  }
}

/** What the sum over each window is divided by. */
function divisorsOf(
  taps: readonly Taps[],
  y: Elements,
  { kernelSize, countIncludesPadding }: AveragePoolingGeometry,
): Float64Array {
  const divisors = new Float64Array(y.shape[2] * y.shape[3]);
  if (countIncludesPadding) return divisors.fill(kernelSize[0] * kernelSize[1]);
  for (const { window } of taps) for (const seeing of window) divisors[seeing]++;
  return divisors;
}

/** The image element that each window's maximum comes from: the first largest; −1 in a window of padding alone. */
function winners(x: Elements, xAt: number, y: Elements, taps: readonly Taps[]): Int32Array {
  const winner = new Int32Array(y.shape[2] * y.shape[3]).fill(-1);
  for (const { window, image } of taps) {
    for (let t = 0; t < window.length; t++) {
      const best = winner[window[t]];
      if (best < 0 || beats(x.data[xAt + image[t]], x.data[xAt + best])) winner[window[t]] = image[t];
    }
  }
  return winner;
}
