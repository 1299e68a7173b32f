// Checks of the numbers in examples, before a typed array would round or wrap them.

import type { DatasetOutline } from './dataset.js';
import { BnError } from './errors.js';
import type { DType } from './spec.js';

interface Range {
  readonly low: number;
  readonly high: number;
  readonly isWhole: boolean;
}

const largestFloat32 = (2 - 2 ** -23) * 2 ** 127;
const finite: Range = { low: -largestFloat32, high: largestFloat32, isWhole: false };
const ranges: Readonly<Record<DType, Range>> = {
  float32: finite,
  int32: { low: -(2 ** 31), high: 2 ** 31 - 1, isWhole: true },
  uint8: { low: 0, high: 255, isWhole: true },
  bool: { low: 0, high: 1, isWhole: true },
};

/**
 * @param exampleAt the example that the value at a position belongs to
 * @throws `data` naming the first example with a feature that its dtype does not hold: out of range, a fraction, not finite
 */
export function checkFeatures(dtype: DType, values: ArrayLike<number>, exampleAt: (position: number) => number): void {
  if (dtype !== 'float32' && elementsOf(values) === dtype) return;
  check(values, ranges[dtype], 'feature', exampleAt, `example, or the dtype of the features (${dtype})`);
}

/** Classes without names, at most: a higher number is damage, or another column, and so large a confusion matrix fills the memory. */
export const mostClasses: number = 10_000;

/**
 * @param exampleAt the example that the value at a position belongs to
 * @throws `data` naming the first example whose label is not a class index, or not in 0..1 where there are several, or not finite
 */
export function checkLabels(
  { labels, classNames }: Pick<DatasetOutline, 'labels' | 'classNames'>,
  values: ArrayLike<number>,
  exampleAt: (position: number) => number,
): void {
  const isWhole = labels?.dtype !== 'float32';
  const high = isWhole ? (classNames?.length ?? mostClasses) - 1 : 1;
  const range = isWhole || classNames ? { low: 0, high, isWhole } : finite;
  check(values, range, 'label', exampleAt, classNames ? 'label or the class names' : 'label');
}

function check(
  values: ArrayLike<number>,
  { low, high, isWhole }: Range,
  what: string,
  exampleAt: (position: number) => number,
  culprit: string,
): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    // Written so that NaN fails too.
    if (value >= low && value <= high && (!isWhole || Number.isInteger(value))) continue;
    const limits = `from ${low} ${high === 2 ** 31 - 1 ? 'up' : `to ${high}`}`;
    const expected = high === largestFloat32 ? 'a finite number' : `a ${isWhole ? 'whole ' : ''}number ${limits}`;
    const seen = `example ${exampleAt(i)} has the ${what} ${value}`;
    throw new BnError('data', `${seen}, expected ${expected}; correct the ${culprit}`);
  }
}

const dtypes: Readonly<Record<string, DType>> = { Float32Array: 'float32', Int32Array: 'int32', Uint8Array: 'uint8' };

/** The dtype of a typed array of any class or realm (Node's `Buffer` is a Uint8Array); undefined for other arrays. */
export function elementsOf(values: object): DType | undefined {
  return dtypes[(values as { [Symbol.toStringTag]?: string })[Symbol.toStringTag] ?? ''];
}
