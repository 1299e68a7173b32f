// The compiler's first run. Most of its time is the engine's, which reads and translates functions when they are first
// called; it can pass while threads start, when there is nothing else to do.

import { createGraph, input, ops } from '@bn/core';
import { compile } from './compile.js';
import { allPasses } from './passes.js';

let isWarm = false;

/** Compiles a small graph, once, of what all others have: products, elements, sums. */
export function warmUp(): void {
  if (isWarm) return;
  isWarm = true;
  const [x, w] = [input('x', [8, 6]), input('w', [6, 4])];
  const y = ops.sigmoid(ops.matmul(x, w));
  const slope = ops.matmul(x, ops.mul(y, ops.sub(1, y)), { transposeA: true });
  compile(createGraph({ loss: ops.sum(y), w: ops.sub(w, slope) }), 8, {
    ...{ relaxed: true, passes: allPasses, threads: 1, countsRows: false, profile: false },
    memory: { maximum: 1, shared: true },
    reserve: () => 0,
  });
}
