// Taps of overlapping windows as channels, [batch · channels, taps, positions], and back into images.

import type { PoolingGeometry, Tensor } from '@bn/core';
import type { Lowering } from '../lowering.js';
import { area, padWithLowest, type Size, size, transposedAttributes } from './window.js';

/** Every window of x, its taps in row-major order; padding has the value −∞. */
export function gatherTaps(x: Tensor, positions: Size, geometry: PoolingGeometry, to: Lowering): string {
  const { kernelSize, stride, padding, dilation } = geometry;
  const padded = padWithLowest(to.reshape(to.value(x), [null, 1, ...size(x)]), padding, to);
  const taps = Array.from({ length: area(kernelSize) }, (_, tap) => {
    const [row, column] = [Math.floor(tap / kernelSize[1]), tap % kernelSize[1]];
    const start = [row * dilation[0], column * dilation[1]];
    const end = start.map((n, i) => n + stride[i]! * (positions[i]! - 1) + 1);
    return to.slice(padded, start, end, [2, 3], stride);
  });
  return to.reshape(to.emit('Concat', taps, { axis: 1 }), [null, taps.length, area(positions)]);
}

/** The transpose of `gatherTaps`: images [batch · channels, 1, height, width] where each element is the sum of its taps. */
export function scatterTaps(taps: string, image: Size, positions: Size, geometry: PoolingGeometry, to: Lowering) {
  const { kernelSize, ...window } = geometry;
  // Tap (a, b) is channel a · width + b, and goes to row a, column b of its window alone.
  const count = area(kernelSize);
  const filter = Float32Array.from({ length: count * count }, (_, i) => (i % (count + 1) === 0 ? 1 : 0));
  const oneHot = to.constant(filter, 'float32', [count, 1, ...kernelSize]);
  const operands = [to.reshape(taps, [null, count, ...positions]), oneHot];
  return to.emit('ConvTranspose', operands, transposedAttributes(image, positions, kernelSize, window));
}
