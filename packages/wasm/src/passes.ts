// Passes of the compiler that can be left out, to see what they change.

export interface Passes {
  /** Factors that are equal for many elements multiplied first, and taken out of sums. */
  readonly factors: boolean;
  /** Convolutions on padded copies of images, without tests at the edges. */
  readonly pad: boolean;
  /** An axis, as a rule the batch, in SIMD lanes. Without it everything is row-major. */
  readonly lanes: boolean;
  /** Sums over the axis in lanes and others in two parts, batch statistics in one pass. */
  readonly split: boolean;
  /** Convolutions with stride 1 by transforms that save multiplications. */
  readonly winograd: boolean;
  /** Filter gradients group by group, with a part for each chunk of groups. */
  readonly parts: boolean;
  /** Long sums of products over groups in blocks that caches hold. */
  readonly blocks: boolean;
  /** Nests over the same loops that read the same memory are one. */
  readonly merge: boolean;
  /** Several results of a sum of products side by side in registers. */
  readonly tiles: boolean;
  /** Memory of intermediates is used again when they are no longer needed. */
  readonly reuse: boolean;
}

export const allPasses: Passes = {
  factors: true,
  pad: true,
  lanes: true,
  split: true,
  winograd: true,
  parts: true,
  blocks: true,
  merge: true,
  tiles: true,
  reuse: true,
};
