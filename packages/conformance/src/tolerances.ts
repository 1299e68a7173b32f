// How far results may be from the expected values: one table, family of operation × precision.

/** Bits of the numbers a backend computes float32 graphs with; 64 is the reference backend's option. */
export type Precision = 32 | 64;

/** Differences allowed, relative to the largest magnitude in the expected array. int32, uint8 and bool are exact. */
export interface Tolerances {
  /** Elements that are moved or chosen, not computed: copies, maxima, constants. */
  readonly exact: number;
  /** Sums, products and quotients of two numbers; square roots. */
  readonly arithmetic: number;
  /** exp, log, tanh, sigmoid, erf, and softmax and GELU made of them. */
  readonly transcendental: number;
  /** Sums and means along axes, average pooling. */
  readonly reduction: number;
  /** Matrix products and convolutions. */
  readonly product: number;
  /** Several operations in a row: normalizations, gradients, random expressions. */
  readonly composition: number;
  /** Batch normalization in training, at any mean: four units in the last place of the largest value. */
  readonly normalization: number;
  /** The golden values of batch normalization, made in float64 from float32 inputs. */
  readonly golden: number;
  /** Losses and logits of the golden training steps. */
  readonly trajectory: number;
  /** Sums over gradients, parameters and states of the golden training steps, relative to the sum of magnitudes. */
  readonly digest: number;
  /** Magnitude, not relative, of what is zero but for rounding. */
  readonly zero: number;
}

export const tolerances: Readonly<Record<Precision, Tolerances>> = {
  32: {
    exact: 0,
    arithmetic: 1e-6,
    transcendental: 1e-5,
    reduction: 1e-5,
    product: 1e-5,
    composition: 1e-4,
    normalization: 4 * 2 ** -23,
    golden: 1e-4,
    trajectory: 1e-4,
    digest: 1e-3,
    zero: 1e-5,
  },
  64: {
    exact: 0,
    arithmetic: 1e-14,
    transcendental: 1e-13,
    reduction: 1e-13,
    product: 1e-13,
    composition: 1e-11,
    normalization: 1e-11,
    golden: 1e-8,
    trajectory: 1e-8,
    digest: 1e-8,
    zero: 1e-12,
  },
};
