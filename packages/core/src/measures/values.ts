// How far values are from their targets, and how much of the targets' variation they explain.

export interface ValueMeasures {
  /** Mean of |value − target|. */
  readonly absoluteError: number;
  /** Mean of (value − target)². */
  readonly squaredError: number;
  /**
   * 1 − Σ(target − value)² / Σ(target − mean)², as scikit-learn's r2_score has it: 1 is perfect, 0 as good as always saying
   * the mean. Targets that are all equal give 1 if they are met, else 0.
   */
  readonly rSquared: number;
}

/** Measures of each of `width` values per example. */
export function measureValues(targets: ArrayLike<number>, values: ArrayLike<number>, width: number): ValueMeasures[] {
  const examples = targets.length / width;
  return Array.from({ length: width }, (_, column) => {
    const mean = (of: (target: number, value: number) => number) => {
      let total = 0;
      for (let i = column; i < targets.length; i += width) total += of(targets[i]!, values[i]!);
      return total / examples;
    };
    const middle = mean((target) => target);
    const variation = mean((target) => (target - middle) ** 2);
    const squaredError = mean((target, value) => (target - value) ** 2);
    return {
      absoluteError: mean((target, value) => Math.abs(target - value)),
      squaredError,
      rSquared: variation === 0 ? Number(squaredError === 0) : 1 - squaredError / variation,
    };
  });
}
