// Passes of the compiler that can be left out, to see what they change.

/** All of them. */
export const allPasses = {
  /** Factors that are equal for many elements multiplied first, and taken out of sums. */
  factors: true,
  /** Convolutions on padded copies of images, without tests at the edges. */
  pad: true,
  /** An axis, as a rule the batch, in SIMD lanes. Without it everything is row-major. */
  lanes: true,
  /** Sums over the axis in lanes and others in two parts, batch statistics in one pass. */
  split: true,
  /** Convolutions with stride 1 by transforms that save multiplications. */
  winograd: true,
  /** Filter gradients group by group, with a part for each chunk of groups. */
  parts: true,
  /** Long sums of products over groups in blocks that caches hold. */
  blocks: true,
  /** Nests over the same loops that read the same memory are one. */
  merge: true,
  /** Several results of a sum of products side by side in registers. */
  tiles: true,
  /** Memory of intermediates is used again when they are no longer needed. */
  reuse: true,
};

export type Passes = Readonly<Record<keyof typeof allPasses, boolean>>;
