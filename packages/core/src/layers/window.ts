// Sizes, strides and paddings of windows over images, as people give them.

import { BnError } from '../errors.js';
import type { PoolingGeometry } from '../ops/pooling.js';
import { requireCount } from '../options.js';

/** One number for height and width alike, or [height, width]. */
export type Size2d = number | readonly [number, number];

/** Zeros around the image: one number, [height, width], [top, left, bottom, right], or `same` (output as large as input / stride). */
export type Padding2d = Size2d | readonly [number, number, number, number] | 'same';

/** [height, width] from one number or two; throws `argument` unless they are positive integers. */
export function pair(name: string, size: Size2d): [number, number] {
  const [height, width] = typeof size === 'number' ? [size, size] : size;
  requireCount(name, height);
  requireCount(name, width);
  return [height, width];
}

/** Padding as [top, left, bottom, right]. An odd rest of `same` goes to the bottom and right, as in Keras and ONNX (SAME_UPPER). */
export function paddingOf(
  padding: Padding2d,
  size: readonly [number, number],
  { kernelSize, stride, dilation }: Omit<PoolingGeometry, 'padding'>,
): [number, number, number, number] {
  if (padding === 'same') {
    const total = size.map((n, i) => {
      const outputs = Math.ceil(n / stride[i]!);
      return Math.max(0, (outputs - 1) * stride[i]! + (kernelSize[i]! - 1) * dilation[i]! + 1 - n);
    }) as [number, number];
    const [top, left] = [Math.floor(total[0] / 2), Math.floor(total[1] / 2)];
    return [top, left, total[0] - top, total[1] - left];
  }
  const list = typeof padding === 'number' ? [padding, padding] : padding;
  if (list.some((n) => !Number.isInteger(n) || n < 0)) {
    throw new BnError('argument', `padding must be integers of 0 or more, got ${padding}`);
  }
  return list.length === 2 ? [list[0]!, list[1]!, list[0]!, list[1]!] : (list as [number, number, number, number]);
}
