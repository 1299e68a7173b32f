// How much of the targets' variation values explain.

/**
 * 1 − Σ(target − value)² / Σ(target − mean)² for each of `width` values per example, as scikit-learn's r2_score has it:
 * 1 is perfect, 0 as good as always saying the mean. Targets that are all equal give 1 if they are met, else 0.
 */
export function rSquared(targets: ArrayLike<number>, values: ArrayLike<number>, width: number): number[] {
  const examples = targets.length / width;
  return Array.from({ length: width }, (_, column) => {
    const at = (data: ArrayLike<number>, i: number) => data[i * width + column]!;
    let total = 0;
    for (let i = 0; i < examples; i++) total += at(targets, i);
    const mean = total / examples;
    let residual = 0;
    let variation = 0;
    for (let i = 0; i < examples; i++) {
      residual += (at(targets, i) - at(values, i)) ** 2;
      variation += (at(targets, i) - mean) ** 2;
    }
    if (variation === 0) return residual === 0 ? 1 : 0;
    return 1 - residual / variation;
  });
}
