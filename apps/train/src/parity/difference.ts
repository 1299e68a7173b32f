// How far two tensors are apart, as one number that a tolerance can be held against.

/** Largest differences that count as agreement. */
export const tolerances = {
  /** Within one step, relative to the tensor's largest magnitude. */
  stepwise: 1e-4,
  /** Of the losses when each backend goes its own way, relative to the loss. */
  freeRunning: 1e-4,
} as const;

/** Magnitudes below this count as this. */
const floor = 1e-6;

/** A tensor whose magnitudes add up to less is zero but for rounding … */
const zeroSum = 1e-9;

/** … and may be so far from zero in float32, not relative to anything. */
const zeroTolerance = 1e-5;

/**
 * The largest difference of two elements, relative to the largest expected magnitude; infinite where something is not
 * finite that should be.
 *
 * A sum whose parts cancel is zero but for rounding: relative to its own magnitude, rounding would be all there is. Such
 * tensors are compared absolutely, on a scale on which their tolerance is the stepwise one.
 */
export function difference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let apart = 0;
  let largest = 0;
  let sum = 0;
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [actual[i]!, expected[i]!];
    if (Object.is(a, b)) continue;
    if (!Number.isFinite(a) || !Number.isFinite(b)) return Number.POSITIVE_INFINITY;
    apart = Math.max(apart, Math.abs(a - b));
  }
  for (let i = 0; i < expected.length; i++) {
    const magnitude = Math.abs(expected[i]!);
    if (magnitude === Number.POSITIVE_INFINITY) continue;
    largest = Math.max(largest, magnitude);
    sum += magnitude;
  }
  return apart / (sum < zeroSum ? zeroTolerance / tolerances.stepwise : Math.max(largest, floor));
}
