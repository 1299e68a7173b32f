// An independent check: LeNet with batch normalization made of TensorFlow.js's own layers, differentiated by its own
// gradients and trained from the same weights on the same batches, agrees with ours.

import { batchNorm, classification, createTrainer, defineModel, type HostTensor, sgd, type Trainer } from '@bn/core';
import { fashionMnist } from '@bn/fashion-mnist';
import { lenet } from '@bn/models';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { layers, type Sequential, sequential } from '@tensorflow/tfjs-layers';
import { expect, test } from 'vitest';
import { createBackend } from '../src/index.js';

const batchSize = 8;
const steps = 3;
const learningRate = 0.5;

/** Our names of the layers that have weights, in order. */
const names = ['conv1', 'bn1', 'conv2', 'bn2', 'dense1', 'bn3', 'dense2', 'bn4', 'dense3'];

test('both agree step by step', async () => {
  tf.enableProdMode(); // says nothing of faster backends
  await tf.setBackend('cpu');
  const ours = await Promise.all([createOurs('wasm'), createOurs('js')]);
  const peer = createPeer();
  const withWeights = peer.layers.filter(({ weights }) => weights.length > 0);
  const initial = await ours[0].values();
  names.forEach((name, i) => {
    withWeights[i].setWeights(weightsOf(name, initial));
  });

  const { train } = await fashionMnist();
  let pixels = new Float32Array();
  for (let step = 0; step < steps; step++) {
    const examples = Array.from({ length: batchSize }, (_, i) => train.get(step * batchSize + i));
    const features = Uint8Array.from(examples.flatMap((example) => [...(example.features as Uint8Array)]));
    const labels = Int32Array.from(examples, (example) => example.label as number);
    pixels = Float32Array.from(features, (v) => v / 255);
    const oneHot = tf.oneHot(tf.tensor1d(labels, 'int32'), 10);
    const loss = (await peer.trainOnBatch(tf.tensor4d(pixels, [batchSize, 28, 28, 1]), oneHot)) as number;
    for (const trainer of ours) {
      const result = await trainer.step({ features, labels }, { learningRate });
      expect(Math.abs(result.loss - loss)).toBeLessThan(1e-5 * loss);
    }
  }

  const shares = peer.predict(tf.tensor4d(pixels, [batchSize, 28, 28, 1])) as tf.Tensor;
  for (const trainer of ours) {
    const trained = await trainer.values();
    names.forEach((name, i) => {
      const theirs = withWeights[i].getWeights();
      weightsOf(name, trained).forEach((weight, j) => {
        expectClose(weight, theirs[j]);
      });
    });
    expectClose(tf.softmax(tf.tensor2d(await trainer.predict(pixels), [batchSize, 10])), shares);
    await trainer.dispose();
  }
});

async function createOurs(engine: 'wasm' | 'js'): Promise<Trainer> {
  const backend = await createBackend({ engine });
  const model = defineModel(lenet({ normalization: () => batchNorm() }), {
    input: { shape: [null, 1, 28, 28], dtype: 'float32' },
  });
  return createTrainer({ model, backend, objective: classification(), optimizer: sgd(), seed: 3 });
}

function createPeer(): Sequential {
  const normalization = () => layers.batchNormalization({ momentum: 0.9, epsilon: 1e-5 });
  const sigmoid = () => layers.activation({ activation: 'sigmoid' });
  const pool = () => layers.averagePooling2d({ poolSize: 2 });
  const model = sequential({
    layers: [
      ...[layers.conv2d({ filters: 6, kernelSize: 5, inputShape: [28, 28, 1] }), normalization(), sigmoid(), pool()],
      ...[layers.conv2d({ filters: 16, kernelSize: 5 }), normalization(), sigmoid(), pool(), layers.flatten()],
      ...[layers.dense({ units: 120 }), normalization(), sigmoid()],
      ...[layers.dense({ units: 84 }), normalization(), sigmoid()],
      layers.dense({ units: 10, activation: 'softmax' }),
    ],
  });
  model.compile({ optimizer: tf.train.sgd(learningRate), loss: 'categoricalCrossentropy' });
  return model;
}

/** The tensors of one layer, in TensorFlow.js's order of axes. */
function weightsOf(name: string, values: ReadonlyMap<string, HostTensor>): tf.Tensor[] {
  const tensor = (variable: string) => {
    const { data, shape } = values.get(`${name}.${variable}`)!;
    return tf.tensor(Float32Array.from(data), [...shape]);
  };
  if (name.startsWith('bn')) return ['gamma', 'beta', 'runningMean', 'runningVariance'].map(tensor);
  const weight = tensor('weight');
  if (name.startsWith('conv')) return [tf.transpose(weight, [2, 3, 1, 0]), tensor('bias')];
  // Flattened images: ours are [16, 4, 4], theirs [4, 4, 16].
  const images = name === 'dense1' ? tf.transpose(tf.reshape(weight, [120, 16, 4, 4]), [0, 2, 3, 1]) : weight;
  return [tf.transpose(tf.reshape(images, weight.shape as [number, number])), tensor('bias')];
}

function expectClose(actual: tf.Tensor, expected: tf.Tensor): void {
  expect(actual.shape).toEqual(expected.shape);
  const [a, b] = [Array.from(actual.dataSync()), Array.from(expected.dataSync())];
  const scale = b.reduce((largest, v) => Math.max(largest, Math.abs(v)), 0);
  const worst = a.reduce((largest, v, i) => Math.max(largest, Math.abs(v - b[i])), 0);
  // Biases before batch normalization have gradients that are zero but for rounding.
  expect(worst).toBeLessThanOrEqual(Math.max(1e-4 * scale, 1e-6));
}
