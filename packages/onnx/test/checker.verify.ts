// Lowered models against ONNX's own checker, with strict shape inference. Needs Python with the package onnx.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  avgPool2d,
  batchNorm,
  classification,
  conv2d,
  createGraph,
  defineModel,
  dense,
  flatten,
  type Graph,
  gradients,
  input,
  maxPool2d,
  ops,
  predictionGraph,
  sequential,
  sgd,
  sigmoid,
  trainingStepGraph,
} from '@bn/core';
import { afterAll, expect, test } from 'vitest';
import { stepsToOnnx, toOnnx } from '../src/index.js';

const python = process.env.BN_PYTHON ?? 'python3';
const found = spawnSync(python, ['-c', 'import onnx']).status === 0;
const directory = mkdtempSync(join(tmpdir(), 'bn-onnx-'));
afterAll(() => rmSync(directory, { recursive: true }));

const model = defineModel(
  sequential({
    conv1: conv2d(4, { kernelSize: 3, stride: 2, padding: [1, 0, 2, 1], groups: 2 }),
    bn1: batchNorm(),
    act1: sigmoid(),
    pool1: avgPool2d(3, { stride: 2, padding: 1, countIncludesPadding: false }),
    conv2: conv2d(6, { kernelSize: 2, dilation: 2 }),
    pool2: maxPool2d(2, { stride: 1 }),
    pool3: maxPool2d(2),
    flatten: flatten(),
    dense: dense(5),
    bn2: batchNorm(),
  }),
  { input: { shape: [null, 2, 28, 28], dtype: 'float32' } },
);

const trainingStep = () =>
  trainingStepGraph(model, classification(), sgd({ momentum: 0.9 }), {
    features: { shape: [3, 2, 28, 28], dtype: 'uint8' },
    labels: { shape: [3], dtype: 'int32' },
  });

const graphs: Readonly<Record<string, () => Graph>> = {
  'a training step': trainingStep,
  'inference with a symbolic batch': () => predictionGraph(model, model.input),
  'operations on every element type': () => {
    const outputs = (['float32', 'int32', 'uint8', 'bool'] as const).flatMap((dtype) => {
      const [a, b] = [input(`${dtype}.a`, [2, 3], dtype), input(`${dtype}.b`, [3], dtype)];
      return [
        ops.equal(a, b),
        ops.less(a, b),
        ops.where(ops.equal(a, b), a, b),
        ops.cast(a, 'bool'),
        ops.pad(a, [1, 0], [0, 2], 1),
        ops.concat([a, ops.broadcastTo(b, [1, 3])], 0),
        ops.gather(a, ops.argmax(ops.cast(a, 'float32'), 1), 1),
      ].map((y, i) => [`${dtype}.${i}`, y] as const);
    });
    return createGraph(new Map(outputs));
  },
  'gradients of matrix products': () => {
    const [a, b] = [input('a', [4, 2, 3]), input('b', [3, 5])];
    const [da, db] = gradients(ops.sum(ops.softmax(ops.matmul(a, b))), [a, b]) as [typeof a, typeof b];
    return createGraph({ da, db });
  },
};

/** Four training steps in one run. */
function severalSteps(): Uint8Array {
  const graph = trainingStep();
  const paths = [...graph.outputs.keys()].filter((name) => graph.inputs.has(name));
  const carried = Object.fromEntries(paths.map((path) => [path, path]));
  return stepsToOnnx(graph, { count: 4, carried, stacked: ['features', 'labels'] });
}

const models: readonly [name: string, make: () => Uint8Array][] = [
  ...Object.entries(graphs).map(([name, graphOf]): [string, () => Uint8Array] => [name, () => toOnnx(graphOf())]),
  ['several training steps in one', severalSteps],
];

for (const [name, make] of models) {
  test(`ONNX's checker accepts ${name}`, ({ skip }) => {
    if (!found) skip(`${python} has no package onnx; pip install onnx, or name another Python in BN_PYTHON`);
    const path = join(directory, 'model.onnx');
    writeFileSync(path, make());
    const program = 'import onnx, sys; onnx.checker.check_model(sys.argv[1], full_check=True); print("accepted")';
    expect(execFileSync(python, ['-c', program, path], { encoding: 'utf8' })).toContain('accepted');
  });
}
