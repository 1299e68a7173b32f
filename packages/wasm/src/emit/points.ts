// The unrolled iterations that code is written out for.

import { Index, type Loop } from '../ir/index-form.js';
import type { ActiveLanes, Point } from './values.js';

/** Unrolled iterations of one loop: `base`, `base` + 1 … (vectors of four for the vector loop). */
export interface Tile {
  readonly loop: Loop;
  readonly base: Index;
  readonly count: number;
  /** Lanes of the last vector that hold something, where not all do. */
  readonly lastActive?: number;
}

export interface Where {
  readonly tiles: readonly Tile[];
  readonly active: ActiveLanes;
}

/** A point of some loops, and of others inside. */
export function pointInside(point: Point, inside: Point['environment']): Point {
  const environment = new Map(point.environment);
  inside.forEach((index, loop) => {
    environment.set(loop, index);
  });
  return { environment, vector: point.vector, active: point.active };
}

/** All combinations of the unrolled iterations. */
export function pointsOf({ tiles, active }: Where, vectorLoop: Loop | null): Point[] {
  let points: Point[] = [{ environment: new Map(), vector: vectorLoop, active }];
  for (const { loop, base, count, lastActive } of tiles) {
    const isVector = loop === vectorLoop;
    const first = isVector ? base.plus(Index.of(loop)) : base;
    points = points.flatMap((point) =>
      Array.from({ length: count }, (_, i) => ({
        ...point,
        environment: new Map(point.environment).set(loop, first.plus(isVector ? 4 * i : i)),
        ...(lastActive !== undefined && i === count - 1 && { active: lastActive }),
      })),
    );
  }
  return points;
}
