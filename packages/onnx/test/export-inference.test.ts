// Exported models: what they look like, and that ONNX Runtime computes from them what the reference backend does.

import { batchNorm, conv2d, dense, flatten, type Layer, ops, relu, sequential } from '@bn/core';
import { batchNormFromScratch } from '@bn/models';
import { openModel } from '@bn/onnxruntime-cuda';
import { expect, test } from 'vitest';
import { addMetadata, type ExportInferenceOptions, exportInference, readMetadata } from '../src/index.js';
import { printModel, printValue, readModel } from './read-model.js';
import { largestDifference, predict, randomPixels, randomValues, smallModel, smallNetwork } from './small-network.js';

/** Differences between the exported network in ONNX Runtime and the reference backend, for batches of some sizes. */
async function errorOf(network: Layer, options: ExportInferenceOptions = {}, batches = [1, 5]): Promise<number> {
  const model = smallModel(network);
  const values = randomValues(model);
  const open = await openModel(exportInference(model, values, options), { threads: 1 });
  const errors = [];
  for (const batch of batches) {
    const pixels = randomPixels(batch);
    const dtype = options.input ?? 'uint8';
    const data = dtype === 'uint8' ? pixels : Float32Array.from(pixels, (v) => v / 255);
    const { logits } = await open.run({ features: { data, spec: { shape: [batch, 2, 8, 8], dtype } } });
    errors.push(largestDifference(logits!.data, await predict(model, values, pixels)));
  }
  await open.dispose();
  return Math.max(...errors);
}

test('normalizes by the statistics of its own batch, whatever the size, where the network has no running ones', async () => {
  const norm = () => batchNorm({ trackRunningStatistics: false });
  const network = sequential({
    conv: conv2d(3, { kernelSize: 3 }),
    norm1: norm(),
    act: relu(),
    flatten: flatten(),
    hidden: dense(4),
    norm2: norm(),
    out: dense(3),
  });
  const bytes = exportInference(smallModel(network), randomValues(smallModel(network)));
  expect(readModel(bytes).graph!.input.map(printValue)).toEqual(['features: 2 [batch, 2, 8, 8]']);
  expect(await errorOf(network, {}, [2, 5])).toBeLessThan(1e-5);
});

const { add, div, mul, sub } = ops;
const model = smallModel();
const values = randomValues(model);

test('takes pixels, gives logits and probabilities, has any batch size and parameters by their paths', () => {
  const { graph } = readModel(exportInference(model, values));
  expect(graph!.input.map(printValue)).toEqual(['features: 2 [batch, 2, 8, 8]']);
  expect(graph!.output.map(printValue)).toEqual(['logits: 1 [batch, 3]', 'probabilities: 1 [batch, 3]']);
  const names = graph!.initializer.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining([...values.keys()]));
  expect(names.filter((name) => !values.has(name) && !name.startsWith('constant_'))).toEqual([]);
});

test('batch normalization is a BatchNormalization, or folded into the layer before it', () => {
  const operators = (bytes: Uint8Array) => readModel(bytes).graph!.node.map(({ opType }) => opType);
  const plain = operators(exportInference(model, values));
  expect(plain.filter((name) => name === 'BatchNormalization')).toHaveLength(3);
  expect(printModel(exportInference(model, values, { fold: true, input: 'float32' }))).toEqual([
    'conv1/forward/conv2d/Conv = Conv(features, [4,2,3,3], [4]) {pads: [1,1,1,1]}',
    'act1/forward/relu/Relu = Relu(conv1/forward/conv2d/Conv)',
    'pool1/forward/maxPool2d/MaxPool = MaxPool(act1/forward/relu/Relu) {kernel_shape: [2,2], strides: [2,2]}',
    'conv2/forward/conv2d/Conv = Conv(pool1/forward/maxPool2d/MaxPool, [6,2,3,3], [6]) {group: 2}',
    'act2/forward/sigmoid/Sigmoid = Sigmoid(conv2/forward/conv2d/Conv)',
    'pool2/forward/avgPool2d/AveragePool = AveragePool(act2/forward/sigmoid/Sigmoid) {kernel_shape: [2,2], strides: [2,2], count_include_pad: 1}',
    'flatten/forward/reshape/Reshape = Reshape(pool2/forward/avgPool2d/AveragePool, [2])',
    'dense1/forward/matmul/Gemm = Gemm(flatten/forward/reshape/Reshape, [8,6], [8]) {transB: 1}',
    'act3/forward/sigmoid/Sigmoid = Sigmoid(dense1/forward/matmul/Gemm)',
    'logits = Gemm(act3/forward/sigmoid/Sigmoid, [3,8], [3]) {transB: 1}',
    'probabilities = Softmax(logits) {axis: 1}',
  ]);
});

test.each<[string, ExportInferenceOptions]>([
  ['pixels', {}],
  ['numbers', { input: 'float32' }],
  ['pixels, folded', { fold: true }],
  ['numbers, folded', { fold: true, input: 'float32' }],
])('computes the same from %s', async (_, options) => {
  expect(await errorOf(smallNetwork, options)).toBeLessThan(1e-5);
});

test('folds batch normalization from scratch too, and any other scale and shift per channel', async () => {
  const scratch = sequential({
    conv: conv2d(4, { kernelSize: 3 }),
    bn1: batchNormFromScratch(),
    act: relu(),
    flatten: flatten(),
    dense: dense(3),
    bn2: batchNormFromScratch(),
    scaled: (x) => sub(1, div(mul(add(x, 2), 3), 4)),
  });
  const bytes = exportInference(smallModel(scratch), randomValues(smallModel(scratch)), { fold: true });
  expect(readModel(bytes).graph!.node.map(({ opType }) => opType)).toEqual([
    'Cast',
    'Mul',
    'Conv',
    'Relu',
    'Reshape',
    'Gemm',
    'Softmax',
  ]);
  expect(await errorOf(scratch, { fold: true })).toBeLessThan(1e-5);
});

test('leaves what cannot be folded, and stays right', async () => {
  const branching: Layer = (x, scope) => {
    const conv = conv2d(2, { kernelSize: 3, padding: 1 });
    const y = conv(x, scope.child('conv'));
    // The product has two users, the weight of `tied` two products, and the last normalization no product before it.
    const z = add(batchNorm()(y, scope.child('bn')), relu()(y, scope));
    const weight = scope.parameter('weight', [2, 2, 1, 1], (shape) => new Float32Array(shape[0]! * shape[1]!));
    const twice = [z, y].map((v, i) => batchNorm()(ops.conv2d(v, weight), scope.child(`tied${i}`)));
    return dense(3)(flatten()(batchNorm()(add(twice[0]!, twice[1]!), scope.child('last')), scope), scope.child('out'));
  };
  expect(await errorOf(branching, { fold: true })).toBeLessThan(1e-4);
});

test('a value that is missing or does not fit is told', () => {
  const some = new Map([...values].filter(([path]) => path !== 'bn1.gamma'));
  expect(() => exportInference(model, some)).toThrow("there is no value for 'bn1.gamma'");
  const wrong = new Map([...values, ['bn1.gamma', { shape: [3], data: new Float32Array(3) }]]);
  expect(() => exportInference(model, wrong)).toThrow("'bn1.gamma' is float32 [4], but its value is float32");
});

test('metadata can be added and read', () => {
  const bytes = exportInference(model, values, { metadata: { a: '1', b: 'ü' } });
  expect(readMetadata(addMetadata(bytes, { b: '2', c: '3' }))).toEqual({ a: '1', b: '2', c: '3' });
  expect(() => readMetadata(Uint8Array.of(1, 2, 3))).toThrow('the bytes are not an ONNX model');
});
