// Windows side by side, as 2 × 2 pooling has them: no overlap, no gap, no padding. Images are [..., ..., height, width].

import type { PoolingGeometry, Tensor } from '@bn/core';
import type { Lowering } from '../lowering.js';
import { area, type Size, size } from './window.js';

export function isTiling({ kernelSize, stride, padding, dilation }: PoolingGeometry): boolean {
  return kernelSize.every((n, i) => n === stride[i] && dilation[i] === 1) && padding.every((n) => n === 0);
}

/** The part of x that tiles cover. */
export function cover(x: Tensor, positions: Size, kernelSize: Size, to: Lowering): string {
  const covered = extent(positions, kernelSize);
  return covered.every((n, i) => n === size(x)[i]) ? to.value(x) : to.slice(to.value(x), [0, 0], covered, [2, 3]);
}

/** Zeros for the rows and columns at the end that no tile covers: the transpose of `cover`. */
export function uncover(images: string, image: Size, positions: Size, kernelSize: Size, to: Lowering): string {
  const missing = extent(positions, kernelSize).map((n, i) => image[i]! - n);
  return missing.every((n) => n === 0) ? images : to.emit('Pad', [images, to.int64([0, 0, 0, 0, 0, 0, ...missing])]);
}

/** Each element of the images as a tile of equal elements. */
export function fillTiles(images: string, [height, width]: Size, to: Lowering): string {
  const scales = to.constant(Float32Array.of(1, 1, height, width), 'float32', [4]);
  return to.emit('Resize', [images, '', scales], {
    mode: 'nearest',
    coordinate_transformation_mode: 'asymmetric',
    nearest_mode: 'floor',
  });
}

/** Per element of an image, how early it comes in its tile: the number of taps for the first, 1 for the last. */
export function earliness(positions: Size, kernelSize: Size, to: Lowering): string {
  const [height, width] = extent(positions, kernelSize);
  const ranks = Float32Array.from({ length: height * width }, (_, i) => {
    const [row, column] = [Math.floor(i / width), i % width];
    return area(kernelSize) - (row % kernelSize[0]) * kernelSize[1] - (column % kernelSize[1]);
  });
  return to.constant(ranks, 'float32', [1, 1, height, width]);
}

function extent(positions: Size, kernelSize: Size): [number, number] {
  return [positions[0] * kernelSize[0], positions[1] * kernelSize[1]];
}
