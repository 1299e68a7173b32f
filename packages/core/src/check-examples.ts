// Checks of the numbers in examples, before a typed array would round or wrap them.

import type { DatasetOutline } from './dataset.js';
import { BnError } from './errors.js';
import type { DType } from './spec.js';

const largestFloat32 = (2 - 2 ** -23) * 2 ** 127;

const ranges: Readonly<Record<DType, readonly [low: number, high: number]>> = {
  float32: [-largestFloat32, largestFloat32],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint8: [0, 255],
  bool: [0, 1],
};

/**
 * @param exampleAt the example that the value at a position belongs to
 * @throws `data` naming the first example with a feature that its dtype does not hold: out of range, a fraction, not finite
 */
export function checkFeatures(dtype: DType, values: ArrayLike<number>, exampleAt: (position: number) => number): void {
  if (dtype !== 'float32' && elementsOf(values) === dtype) return;
  const wrong = findOutside(values, ranges[dtype], dtype !== 'float32');
  if (wrong < 0) return;
  throw new BnError(
    'data',
    `example ${exampleAt(wrong)} has the feature ${values[wrong]}, expected ${describe(ranges[dtype], dtype !== 'float32')}; correct the example, or the dtype of the features (${dtype})`,
  );
}

/**
 * @param exampleAt the example that the value at a position belongs to
 * @throws `data` naming the first example whose label is not a class index, or not in 0..1 where there are several, or not finite
 */
export function checkLabels(
  { labels, classNames }: Pick<DatasetOutline, 'labels' | 'classNames'>,
  values: ArrayLike<number>,
  exampleAt: (position: number) => number,
): void {
  const isClass = labels?.dtype !== 'float32';
  const highest = isClass ? (classNames?.length ?? 2 ** 31) - 1 : 1;
  const range = isClass || classNames ? ([0, highest] as const) : ranges.float32;
  const wrong = findOutside(values, range, isClass);
  if (wrong < 0) return;
  throw new BnError(
    'data',
    `example ${exampleAt(wrong)} has the label ${values[wrong]}, expected ${describe(range, isClass)}; correct the label${classNames ? ' or the class names' : ''}`,
  );
}

function describe([low, high]: readonly [number, number], isWhole: boolean): string {
  if (high === largestFloat32) return 'a finite number';
  return `${isWhole ? 'a whole number' : 'a number'} from ${low} ${high === 2 ** 31 - 1 ? 'up' : `to ${high}`}`;
}

// Written so that NaN is outside.
function findOutside(values: ArrayLike<number>, [low, high]: readonly [number, number], isWhole: boolean): number {
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (!(value >= low && value <= high) || (isWhole && !Number.isInteger(value))) return i;
  }
  return -1;
}

/** The dtype of a typed array of any class or realm (Node's `Buffer` is a Uint8Array); undefined for other arrays. */
export function elementsOf(values: object): DType | undefined {
  return dtypes[(values as { [Symbol.toStringTag]?: string })[Symbol.toStringTag] ?? ''];
}

const dtypes: Readonly<Record<string, DType>> = {
  Float32Array: 'float32',
  Int32Array: 'int32',
  Uint8Array: 'uint8',
};
