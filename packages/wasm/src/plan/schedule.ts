// How the loops of a nest are run.

import type { Loop } from '../ir/index-form.js';
import type { Nest } from '../ir/nest.js';

/** A loop and how many of its iterations are written out one after the other: 1 rolls it, its extent unrolls it. */
export interface LoopPlan {
  readonly loop: Loop;
  /** In vectors for the vector loop. */
  readonly tile: number;
}

export interface Schedule {
  readonly nest: Nest;
  /** The loop whose iterations are the lanes of vectors; null: values stand in lane 0 alone. */
  readonly vector: Loop | null;
  readonly outer: readonly LoopPlan[];
  readonly inner: readonly LoopPlan[];
  /** How calls drive the first outer loop: one group each, a range each, or not at all. */
  readonly drive: 'group' | 'range' | 'none';
}

/**
 * The schedule as a line: extents of loops, outer ones before the bar, with `×` for iterations that are written out, `*` for
 * the loop in lanes.
 */
export function printSchedule({ nest, vector, outer, inner }: Schedule): string {
  const loops = (plans: readonly LoopPlan[]) =>
    plans
      .map(({ loop, tile }) => `${loop.name}<${loop.extent}${loop === vector ? '*' : ''}${tile > 1 ? `×${tile}` : ''}`)
      .join(' ');
  return `${nest.name}: ${loops(outer)}${inner.length > 0 ? ` | ${loops(inner)}` : ''}`;
}
