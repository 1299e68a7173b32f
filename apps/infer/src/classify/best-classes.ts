// The classes that a model holds most probable.

export interface RankedClass {
  readonly class: string;
  /** Position among the model's outputs. */
  readonly index: number;
  readonly probability: number;
}

/** At most `count` classes, the most probable first; of equal ones the one with the lower index. */
export function bestClasses(
  probabilities: Float32Array,
  classNames: readonly string[],
  count: number,
): readonly RankedClass[] {
  const order = Array.from(probabilities.keys()).sort((a, b) => probabilities[b]! - probabilities[a]! || a - b);
  return order.slice(0, count).map((index) => ({
    class: classNames[index]!,
    index,
    // A float32 has no more digits than that.
    probability: Number(probabilities[index]!.toPrecision(7)),
  }));
}
