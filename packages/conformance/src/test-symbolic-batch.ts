// Inference graphs keep the batch size open: one compilation runs with every size.

import { batchNorm, constant, createGraph, defineModel, input, ops, type Tensor, trace } from '@bn/core';
import { expectClose } from './expect-close.js';
import { pattern } from './host-value.js';
import { runOnce } from './run-graph.js';
import type { Suite } from './suite.js';
import type { Tolerances } from './tolerances.js';

type Row = readonly [family: keyof Tolerances, shape: readonly number[], build: (x: Tensor) => Tensor];

const window = { kernelSize: [2, 2], stride: [2, 2], padding: [0, 0, 0, 0], dilation: [1, 1] } as const;
const geometry = { stride: [1, 1], padding: [1, 1, 1, 1], dilation: [1, 1], groups: 1 } as const;
const weights = (...shape: number[]) => constant(pattern(shape, 1).data, shape);

/** The shape of x without its batch axis. */
const rows: Readonly<Record<string, Row>> = {
  'add: symbolic batch': ['arithmetic', [3], (x) => ops.add(ops.mul(x, 2), weights(3))],
  'where: symbolic batch': ['exact', [2, 2], (x) => ops.where(ops.less(x, 0), x, 1)],
  'cast: symbolic batch': ['exact', [4], (x) => ops.cast(x, 'int32')],
  'sum: symbolic batch': ['reduction', [2, 3], (x) => ops.sum(x, [1], { keepDims: true })],
  'sum: over a symbolic batch': ['reduction', [3], (x) => ops.sum(x, [0])],
  'mean: over a symbolic batch': ['reduction', [3, 2], (x) => ops.mean(x, [0, 2])],
  'variance: over a symbolic batch': ['composition', [3, 2], (x) => ops.variance(x, [0, 2])],
  'max: symbolic batch': ['exact', [2, 3], (x) => ops.max(x, [2])],
  'argmax: symbolic batch': ['exact', [5], (x) => ops.argmax(x, 1)],
  'reshape: symbolic batch, flattened': ['exact', [2, 3], (x) => ops.reshape(x, [x.shape[0], 6])],
  'reshape: symbolic batch, split': ['exact', [6], (x) => ops.reshape(x, [x.shape[0], 3, 2])],
  'transpose: symbolic batch': ['exact', [2, 3], (x) => ops.transpose(x, [0, 2, 1])],
  'broadcastTo: symbolic batch': ['arithmetic', [3], (x) => ops.mul(ops.broadcastTo(weights(3), [x.shape[0], 3]), x)],
  'pad: symbolic batch': ['exact', [2], (x) => ops.pad(x, [0, 1], [0, 2], 7)],
  'slice: symbolic batch': ['exact', [4], (x) => ops.slice(x, [0, 1], [x.shape[0], 3])],
  'concat: symbolic batch': ['exact', [2], (x) => ops.concat([x, ops.neg(x)], 1)],
  'gather: symbolic batch': ['exact', [4], (x) => ops.gather(x, ops.iota([2]), 1)],
  'gather: rows named by a symbolic batch': [
    'exact',
    [2],
    (x) => ops.gather(weights(6, 2), ops.cast(ops.maximum(x, 0), 'int32')),
  ],
  'matmul: symbolic batch': ['product', [3], (x) => ops.matmul(x, weights(4, 3), { transposeB: true })],
  'conv2d: symbolic batch': ['product', [2, 4, 5], (x) => ops.conv2d(x, weights(3, 2, 3, 3), geometry)],
  'avgPool2d: symbolic batch': [
    'reduction',
    [2, 4, 5],
    (x) => ops.avgPool2d(x, { ...window, countIncludesPadding: true }),
  ],
  'maxPool2d: symbolic batch': ['exact', [2, 4, 5], (x) => ops.maxPool2d(x, window)],
  'batchNormalize: symbolic batch': [
    'composition',
    [3, 2],
    (x) => ops.batchNormalize(x, weights(3), constant([1, 2, 3], [3]), weights(3), weights(3)),
  ],
  'batchNormalize: with the statistics of a symbolic batch': [
    'composition',
    [3, 2],
    (x) => {
      const input = { shape: [null, 3, 2], dtype: 'float32' } as const;
      const layer = batchNorm({ trackRunningStatistics: false, scale: false, center: false });
      return trace(defineModel(layer, { input }), x).output;
    },
  ],
  'softmax: symbolic batch': ['transcendental', [4], (x) => ops.softmax(x)],
  'logSoftmax: symbolic batch': ['transcendental', [4], (x) => ops.logSoftmax(x)],
  'relu: symbolic batch': ['exact', [4], (x) => ops.relu(x)],
};

export function testSymbolicBatch(suite: Suite): void {
  for (const [name, [family, shape, build]] of Object.entries(rows)) {
    const graphOf = (batch: number | null) => createGraph({ y: build(input('x', [batch, ...shape])) });
    suite.graphTest(
      name,
      () => graphOf(null),
      async (graph) => {
        const executable = await suite.backend.compile(graph);
        for (const batch of [1, 3, 2]) {
          const x = pattern([batch, ...shape], batch);
          const expected = await suite.runOracle(graphOf(batch), { x });
          const { y } = await runOnce(suite.backend, executable, { x });
          expectClose(y, expected.y, suite.tolerance(family));
        }
        await executable.dispose();
      },
    );
  }
}
