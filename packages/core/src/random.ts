// Seeded random numbers. One run's seed gives independent, reproducible streams: initial values, shuffles, dropout.

import { uniformFloat32 } from 'pure-rand/distribution/uniformFloat32';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { skipN } from 'pure-rand/utils/skipN';

export interface Generator {
  /** Uniform in 0 ≤ u < 1, a float32 number. */
  uniform(): number;
  /** Normal with mean 0 and variance 1. */
  normal(): number;
  /** Uniform integer in 0 … below − 1. */
  integer(below: number): number;
}

/**
 * The generator of a stream. Any position of any stream is reached from the seed and the stream's numbers alone
 * (e.g. the epoch), so nothing but those has to be saved to continue a run.
 */
export function createGenerator(seed: number, ...stream: readonly number[]): Generator {
  let source = seeded(seed);
  for (const n of stream) source = seeded(source.next() ^ Math.imul(n + 1, 0x9e3779b1));
  const uniform = () => uniformFloat32(source);
  return {
    uniform,
    // Box and Muller: log of 1 − u, which is never 0.
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
    integer: (below) => uniformInt(source, 0, below - 1),
  };
}

/** Streams of a run, from its seed. */
export const streams = { initial: 0, shuffle: 1, random: 2, recalibrate: 3, examples: 4 } as const;

/** The generator's first numbers hardly depend on the seed: they are skipped. */
function seeded(seed: number): ReturnType<typeof xoroshiro128plus> {
  const source = xoroshiro128plus(seed | 0);
  skipN(source, 32);
  return source;
}

/** The numbers 0 … length − 1 in random order (Fisher and Yates). */
export function permutation(length: number, random: Generator): Int32Array {
  const order = Int32Array.from({ length }, (_, i) => i);
  for (let i = length - 1; i > 0; i--) {
    const j = random.integer(i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}
