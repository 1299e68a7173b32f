// Imported models: equal to what they were made from, in the reference backend and in ONNX Runtime, and trainable.

import { readFileSync } from 'node:fs';
import {
  batchNorm,
  classification,
  conv2d,
  createTrainer,
  dense,
  dropout,
  flatten,
  globalAveragePool2d,
  headOf,
  input,
  type Layer,
  type Model,
  newHead,
  ops,
  relu,
  residual,
  sequential,
  sgd,
  trace,
} from '@bn/core';
import { batchNormFromScratch } from '@bn/models';
import { openModel } from '@bn/onnxruntime-cuda';
import { createBackend } from '@bn/reference';
import { describe, expect, test } from 'vitest';
import { exportInference, importNetwork, importOnnx } from '../src/index.js';
import { floats, type HandMade, handMade, ints, node } from './build-model.js';
import { largestDifference, predict, randomPixels, randomValues, smallModel, smallNetwork } from './small-network.js';

const torchCnn = new Uint8Array(readFileSync(new URL('data/torch-cnn.onnx', import.meta.url)));
const images = (count: number) => Float32Array.from({ length: count * 14 * 14 }, (_, i) => ((i * 37) % 101) / 101);

/** What ONNX Runtime computes. */
async function inRuntime(bytes: Uint8Array, data: Uint8Array | Float32Array, shape: readonly number[], output: string) {
  const open = await openModel(bytes, { threads: 1 });
  const name = open.inputNames[0]!;
  const dtype = data instanceof Uint8Array ? 'uint8' : 'float32';
  const values = await open.run({ [name]: { data, spec: { shape, dtype } } });
  await open.dispose();
  return values[output]!.data;
}

/** Losses of some steps on the same examples, whose labels follow from their brightness. */
async function lossesOf(model: Model, features: Float32Array, classes = 3): Promise<number[]> {
  const backend = await createBackend();
  const trainer = await createTrainer({ model, backend, objective: classification(), optimizer: sgd() });
  const count = features.length / model.input.shape.slice(1).reduce<number>((a, n) => a * n!, 1);
  const labels = Int32Array.from({ length: count }, (_, i) => (i * 7) % classes);
  const losses = [];
  for (let i = 0; i < 5; i++) losses.push((await trainer.step({ features, labels }, { learningRate: 0.1 })).loss);
  await trainer.dispose();
  await backend.dispose();
  return losses;
}

test.each<[string, Layer]>([
  ['a small network', smallNetwork],
  [
    'residual blocks, dropout and global pooling',
    sequential({
      conv: conv2d(4, { kernelSize: 3, padding: 'same', stride: 2 }),
      block: residual(
        sequential({ bn: batchNorm({ center: false }), act: relu(), conv: conv2d(4, { kernelSize: 1 }) }),
      ),
      drop: dropout(0.3),
      pool: globalAveragePool2d(),
      out: dense(3),
    }),
  ],
  [
    'batch normalization from scratch, on the last axis, and everything elementwise',
    sequential({
      conv: conv2d(3, { kernelSize: 3, dilation: 2 }),
      scratch: batchNormFromScratch(),
      last: batchNorm({ axis: 3 }),
      mixed: (x) => ops.gelu(ops.maximum(ops.minimum(ops.exp(ops.neg(x)), 3), ops.tanh(x))),
      flatten: flatten(),
      out: dense(3),
      softmax: (x) => ops.logSoftmax(x),
    }),
  ],
])('what is exported comes back: %s', async (_, network) => {
  const model = smallModel(network);
  const values = randomValues(model);
  const pixels = randomPixels(5);
  const expected = await predict(model, values, pixels);
  for (const fold of [false, true]) {
    const bytes = exportInference(model, values, { fold });
    const imported = importOnnx(bytes);
    expect(largestDifference(await predict(imported.model, imported.values, pixels), expected)).toBeLessThan(1e-5);
    // And once more.
    const again = exportInference(imported.model, imported.values);
    const logits = await inRuntime(again, pixels, [5, 2, 8, 8], 'logits');
    expect(largestDifference(logits, expected)).toBeLessThan(1e-5);
  }
});

test('parameters and states keep their paths, values and training graph', async () => {
  const model = smallModel();
  const values = randomValues(model);
  const bytes = exportInference(model, values, { input: 'float32' });
  const trained = importOnnx(bytes, { batchNorm: 'trained' });
  for (const [path, value] of values) expect(trained.values.get(path), path).toEqual(value);
  expect([...trained.values.keys()].filter((path) => !values.has(path))).toEqual([]);

  const features = Float32Array.from(randomPixels(6), (v) => v / 255);
  const frozen = importOnnx(bytes);
  const scope = (m: Model) => trace(m, input('features', [6, 2, 8, 8]), { training: true });
  expect([...scope(frozen.model).updates.keys()]).toEqual([]);
  expect([...scope(trained.model).updates.keys()]).toContain('bn1.runningMean');
  const losses = await lossesOf(trained.model, features);
  expect(losses.at(-1)).toBeLessThan(losses[0]!);
});

test('a network of PyTorch predicts as in ONNX Runtime, for any batch size, and learns', async () => {
  const { model, values } = importOnnx(torchCnn);
  expect([...values.keys()]).toEqual(
    expect.arrayContaining([
      'stem._0.weight',
      'stem._1.running_mean',
      'block.bn1.weight',
      'hidden.bias',
      'head.weight',
    ]),
  );
  expect(values.size).toBe(27);
  for (const count of [1, 3]) {
    const expected = await inRuntime(torchCnn, images(count), [count, 1, 14, 14], 'scores');
    expect(largestDifference(await predict(model, values, images(count)), expected)).toBeLessThan(1e-5);
  }
  for (const batchNorm of ['frozen', 'trained'] as const) {
    const losses = await lossesOf(importOnnx(torchCnn, { batchNorm }).model, images(6));
    expect(losses.at(-1)!, batchNorm).toBeLessThan(losses[0]!);
  }
});

describe('initializers that several layers share', () => {
  const gemm = (x: string, w: string, b: string, y: string) => node('Gemm', [x, w, b], y, { transB: 1 });
  const parametersOf = (nodes: HandMade['nodes'], initializers: HandMade['initializers']) => {
    const { model } = importNetwork(handMade({ shape: [null, 2], nodes, initializers }));
    return [...trace(model, input('features', [2, 2])).parameters.keys()];
  };
  const [a, b] = [floats('a.weight', [2, 2]), floats('b.weight', [2, 2], [4, 3, 2, 1])];

  test('are parameters of each, where their values are all the same: exporters merge equal ones', () => {
    const zeros = floats('a.bias', [2], [0, 0]);
    const nodes = [gemm('x', 'a.weight', 'a.bias', 'h'), gemm('h', 'b.weight', 'a.bias', 'y')];
    expect(parametersOf(nodes, [a, b, zeros])).toEqual(['a.weight', 'a.bias', 'b.weight', 'b.bias']);
    const identity = [node('Identity', ['a.bias'], 'other.bias'), nodes[0]!, gemm('h', 'b.weight', 'other.bias', 'y')];
    expect(parametersOf(identity, [a, b, zeros])).toEqual(['a.weight', 'a.bias', 'b.weight', 'other.bias']);
    const added = [
      ...[node('MatMul', ['x', 'a.weight'], 'p'), node('Add', ['p', 'a.bias'], 'h')],
      ...[node('MatMul', ['h', 'b.weight'], 'q'), node('Add', ['a.bias', 'q'])],
    ];
    expect(parametersOf(added, [a, b, zeros])).toEqual(['a.weight', 'a.bias', 'b.weight', 'b.bias']);
    const slopes = [node('PRelu', ['x', 's'], 'h'), node('Exp', ['h'], 'e'), node('PRelu', ['e', 's'])];
    expect(parametersOf(slopes, [floats('s', [1], [0.25])])).toEqual(['s', 's_2']);
  });

  test('are one parameter, where their values differ, or the layer is one: they are tied', () => {
    const bias = floats('a.bias', [2], [0, 1]);
    const tied = [gemm('x', 'a.weight', 'a.bias', 'h'), gemm('h', 'b.weight', 'a.bias', 'y')];
    expect(parametersOf(tied, [a, b, bias])).toEqual(['a.weight', 'a.bias', 'b.weight']);
    const twice = [gemm('x', 'a.weight', 'a.bias', 'h'), gemm('h', 'a.weight', 'a.bias', 'y')];
    expect(parametersOf(twice, [a, floats('a.bias', [2], [0, 0])])).toEqual(['a.weight', 'a.bias']);
  });
});

test('what is trained can be chosen', () => {
  const parametersOf = (trainable?: (name: string, isWeight: boolean) => boolean) => {
    const { model } = importOnnx(torchCnn, trainable && { trainable });
    return [...trace(model, input('features', [2, 1, 14, 14])).parameters.keys()];
  };
  expect(parametersOf((name) => name.startsWith('head'))).toEqual(['head.weight', 'head.bias']);
  expect(parametersOf()).toHaveLength(19);
});

test('a bias is trained and replaced with its layer, though Keras casts and transposes between them', () => {
  const bytes = handMade({
    shape: [null, 1, 1, 4],
    nodes: [
      node('Conv', ['x', 'conv'], 'c'),
      node('Transpose', ['c'], 'last', { perm: [0, 2, 3, 1] }),
      node('Add', ['last', 'conv_bias'], 'biased'),
      node('Flatten', ['biased'], 'flat'),
      node('MatMul', ['flat', 'dense'], 'product'),
      node('Cast', ['product'], 'cast', { to: 1 }),
      node('Add', ['cast', 'dense_bias']),
    ],
    initializers: [
      floats('conv', [2, 1, 1, 1], [1, 2]),
      floats('conv_bias', [2], [3, 4]),
      floats('dense', [8, 3], Array(24).fill(0.5)),
      floats('dense_bias', [3], [5, 6, 7]),
    ],
  });
  const { model } = importOnnx(bytes);
  const parametersOf = (of: Model) => trace(of, input('features', [2, 1, 1, 4])).parameters;
  expect([...parametersOf(model).keys()]).toEqual(['conv', 'conv_bias', 'dense', 'dense_bias']);
  expect(headOf(model)).toEqual({ weight: 'dense', bias: 'dense_bias', outputs: 3 });
  expect(parametersOf(newHead(model, 5)).get('dense_bias')!.shape).toEqual([5]);
});

test('what is trained are logits; an output can be named', async () => {
  const model = smallModel();
  const values = randomValues(model);
  const bytes = exportInference(model, values);
  const pixels = randomPixels(2);
  const probabilities = importNetwork(bytes, { output: 'probabilities' });
  const [row] = [await predict(probabilities.model, probabilities.values, pixels)];
  expect(row!.slice(0, 3).reduce((a, b) => a + b)).toBeCloseTo(1, 5);
  const logits = importOnnx(bytes, { output: 'probabilities' });
  expect(await predict(logits.model, logits.values, pixels)).toEqual(await predict(model, values, pixels));
  expect(() => importOnnx(bytes, { output: 'nothing' })).toThrow("the output 'nothing' is not there; the outputs are");
});

test('images with channels last are given with channels first, as data sets have them', async () => {
  const bytes = handMade({
    shape: [null, 2, 2, 3],
    nodes: [node('Transpose', ['x'], 'first', { perm: [0, 3, 1, 2] }), node('Reshape', ['first', 'shape'])],
    initializers: [ints('shape', [0, -1])],
  });
  const pixels = Float32Array.from({ length: 2 * 12 }, (_, i) => i);
  const { model, values } = importOnnx(bytes);
  expect(model.input.shape).toEqual([null, 3, 2, 2]);
  expect(await predict(model, values, pixels)).toEqual(pixels);
  expect(importNetwork(bytes).model.input.shape).toEqual([null, 2, 2, 3]);
});
