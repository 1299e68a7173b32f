// Sizes, strides and paddings of windows over images, as people give them.

import { BnError } from '../errors.js';
import { type PoolingGeometry, samePadding } from '../ops/pooling.js';
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

/** Padding as [top, left, bottom, right]. */
export function paddingOf(
  padding: Padding2d,
  size: readonly [number, number],
  window: Omit<PoolingGeometry, 'padding'>,
): [number, number, number, number] {
  if (padding === 'same') return samePadding(size, window);
  const list = typeof padding === 'number' ? [padding, padding] : padding;
  if (list.some((n) => !Number.isInteger(n) || n < 0)) {
    throw new BnError('argument', `padding must be integers of 0 or more, got ${padding}`);
  }
  return list.length === 2 ? [list[0]!, list[1]!, list[0]!, list[1]!] : (list as [number, number, number, number]);
}
