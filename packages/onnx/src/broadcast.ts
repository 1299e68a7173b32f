// The shape that operands have together.

import type { Shape } from '@bn/core';

/** The shape that shapes known to fit together broadcast to: aligned at the right, sizes 1 stretch. */
export function broadcast(shapes: readonly Shape[]): Shape {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  const aligned = shapes.map((shape) => [...Array<number>(rank - shape.length).fill(1), ...shape]);
  return Array.from({ length: rank }, (_, axis) => {
    const larger = aligned.find((shape) => shape[axis] !== 1);
    return larger ? larger[axis]! : 1;
  });
}
