// Taps of windows as channels, [batch · channels, taps, positions], and back into images.

import type { PoolingGeometry, Tensor } from '@bn/core';
import type { Lowering } from '../lowering.js';
import { type Size, size, tiles, unreached, windowAttributes } from './window.js';

/** Every window of x, tap by tap in row-major order; padding has the value of −∞. */
export function gatherTaps(x: Tensor, positions: Size, geometry: PoolingGeometry, to: Lowering): string {
  const { kernelSize, stride, padding, dilation } = geometry;
  const [rows, columns] = positions;
  const planes = to.reshape(to.value(x), [null, 1, ...size(x)]);
  if (tiles(geometry)) {
    const covered: Size = [rows * kernelSize[0], columns * kernelSize[1]];
    const cut = covered.every((n, i) => n === size(x)[i]) ? planes : to.slice(planes, [0, 0], covered, [2, 3]);
    const windows = to.reshape(cut, [null, rows, kernelSize[0], columns, kernelSize[1]]);
    return to.reshape(to.transpose(windows, [0, 2, 4, 1, 3]), [null, kernelSize[0] * kernelSize[1], rows * columns]);
  }
  const padded = padWithLowest(planes, padding, to);
  const taps = offsets(kernelSize).map(([a, b]) => {
    const start = [a * dilation[0], b * dilation[1]];
    const end = start.map((n, i) => n + stride[i]! * (positions[i]! - 1) + 1);
    return to.slice(padded, start, end, [2, 3], stride);
  });
  return to.reshape(to.emit('Concat', taps, { axis: 1 }), [null, taps.length, rows * columns]);
}

/** The transpose of `gatherTaps`: an image of the given size where each element is the sum of its taps. */
export function scatterTaps(
  taps: string,
  image: Size,
  positions: Size,
  geometry: PoolingGeometry,
  to: Lowering,
): string {
  const { kernelSize, ...window } = geometry;
  const [height, width] = kernelSize;
  const [rows, columns] = positions;
  if (tiles(geometry)) {
    const windows = to.transpose(to.reshape(taps, [null, height, width, rows, columns]), [0, 3, 1, 4, 2]);
    return fillUp(to.reshape(windows, [null, 1, rows * height, columns * width]), image, positions, kernelSize, to);
  }
  // Tap (a, b) is channel a · width + b, and goes to row a, column b of its window alone.
  const count = height * width;
  const filter = Float32Array.from({ length: count * count }, (_, i) => (i % (count + 1) === 0 ? 1 : 0));
  const oneHot = to.constant(filter, 'float32', [count, 1, height, width]);
  return to.emit('ConvTranspose', [to.reshape(taps, [null, count, rows, columns]), oneHot], {
    ...windowAttributes(window),
    output_padding: unreached(image, positions, kernelSize, window),
  });
}

/** Zeros at the end of images made of tiles, for rows and columns that no tile covers. */
export function fillUp(images: string, image: Size, positions: Size, kernelSize: Size, to: Lowering): string {
  const missing = image.map((n, i) => n - positions[i]! * kernelSize[i]!);
  return missing.every((n) => n === 0) ? images : to.emit('Pad', [images, to.int64([0, 0, 0, 0, 0, 0, ...missing])]);
}

/** Images [..., ..., height, width] with a border that never is the largest. */
export function padWithLowest(
  images: string,
  padding: readonly [number, number, number, number],
  to: Lowering,
): string {
  const [top, left, bottom, right] = padding;
  if (padding.every((n) => n === 0)) return images;
  return to.emit('Pad', [
    images,
    to.int64([0, 0, top, left, 0, 0, bottom, right]),
    to.scalar(Number.NEGATIVE_INFINITY),
  ]);
}

function offsets([height, width]: Size): [number, number][] {
  return Array.from({ length: height * width }, (_, i) => [Math.floor(i / width), i % width]);
}
