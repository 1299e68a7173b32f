// The shape that operands have together.

import type { Shape } from '@bn/core';

/** The shape that shapes known to fit together broadcast to: aligned at the right, sizes 1 stretch. */
export function broadcast(shapes: readonly Shape[]): Shape {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, i) => {
    const sizes = shapes.flatMap((shape) =>
      shape.slice(i - rank + shape.length, i - rank + shape.length + 1 || undefined),
    );
    const larger = sizes.find((n) => n !== 1);
    return larger === undefined ? 1 : larger;
  });
}
