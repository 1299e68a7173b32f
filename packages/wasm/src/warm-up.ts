// The compiler's first run. Most of its time is the engine's, which reads and translates functions when they are first
// called; it can pass while threads start, when there is nothing else to do.

import { createGraph, gradients, input, ops } from '@bn/core';
import { compile } from './compile.js';
import { allPasses } from './pipeline.js';
import { unoptimized } from './run/engine.js';

let isWarm = false;

/** Compiles a small graph, once, of what most others have: convolutions, matrix products, elements, sums. */
export function warmUp(): void {
  if (isWarm) return;
  isWarm = true;
  const [x, filter, matrix] = [input('x', [8, 1, 6, 6]), input('filter', [2, 1, 5, 5]), input('matrix', [8, 4])];
  const y = ops.conv2d(x, filter);
  const centered = ops.sub(y, ops.mean(y, [0, 2, 3], { keepDims: true }));
  const scores = ops.matmul(ops.reshape(ops.sigmoid(centered), [8, 8]), matrix);
  const slopes = gradients(scores, [filter, matrix]);
  const graph = createGraph({ filter: ops.sub(filter, slopes[0]), matrix: ops.sub(matrix, slopes[1]) });
  unoptimized(() =>
    compile(graph, 8, {
      ...{ relaxed: true, passes: allPasses, threads: 1, countsRows: false, profile: false },
      memory: { maximum: 1, shared: true },
      reserve: () => 0,
    }),
  );
}
