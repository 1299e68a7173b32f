// TensorFlow.js as its documentation would have it: model.fit of its layers on data in memory, on libtensorflow (`tfjs`) or on its
// WebAssembly kernels (`tfjs-wasm`).

import { createRequire } from 'node:module';
import { BnError } from '@bn/core';
import * as tf from '@tensorflow/tfjs-core';
import { input, layers, model, type SymbolicTensor } from '@tensorflow/tfjs-layers';
import type { LayerSpec } from '../networks.js';
import { type Contestant, without } from './contestant.js';
import { loadImages, numbersOf } from './data.js';
import type { Settings } from './exchange.js';

export async function create(settings: Settings): Promise<Contestant> {
  const { shape, batchSize, learningRate, variant } = settings;
  tf.enableProdMode();
  if (variant === 'tfjs') await useNative(settings.threads);
  else await useWebAssembly();
  const introduction = {
    name: variant === 'tfjs' ? 'TensorFlow.js, libtensorflow' : 'TensorFlow.js, WebAssembly',
    version: tf.version_core,
    runtime: `Node ${process.versions.node}`,
  };
  if (settings.named !== undefined) return without(introduction, `TensorFlow.js has no ${settings.named} to train`);
  const { train, test } = await loadImages(shape, settings.examples);
  const [channels, height, width] = shape;
  const tensors = (dataset: typeof train, length: number) => {
    const { features, labels } = numbersOf(dataset, length, { channelsLast: true });
    const oneHot = tf.tidy(() => tf.cast(tf.oneHot(tf.tensor1d(labels, 'int32'), 10), 'float32'));
    return { x: tf.tensor4d(features, [length, height, width, channels]), y: oneHot };
  };
  const all = tensors(train, train.length);
  const first = tensors(train, Math.min(batchSize, train.length));

  const inputs = input({ shape: [height, width, channels] });
  const outputs = settings.layers.reduce(apply, inputs);
  const network = model({ inputs, outputs: after(outputs, layers.softmax()) });
  network.compile({
    optimizer: tf.train.sgd(learningRate),
    loss: 'categoricalCrossentropy',
    metrics: ['accuracy'],
  });
  const step = () => network.trainOnBatch(first.x, first.y);
  const reason = await whyNot(step);
  return {
    introduction: { ...introduction, ...(reason !== undefined && { cannot: { train: reason } }) },
    examples: train.length,
    async train() {
      const options = { batchSize, epochs: 1, shuffle: true, verbose: 0, yieldEvery: 'never' } as const;
      const { history } = await network.fit(all.x, all.y, options);
      return Number(history.loss![0]);
    },
    step,
    async predictions(batch) {
      const { features } = numbersOf(test, batch, { channelsLast: true });
      return {
        async once() {
          const classes = tf.tidy(() => {
            const x = tf.tensor4d(features, [batch, height, width, channels]);
            return tf.argMax(network.predictOnBatch(x) as tf.Tensor, 1);
          });
          await classes.data();
          classes.dispose();
        },
      };
    },
  };
}

/** What an attempt fails with; undefined if it succeeds. */
async function whyNot(attempt: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await attempt();
    return undefined;
  } catch (error) {
    return (error as Error).message.split('\n')[0]!;
  }
}

function apply(x: SymbolicTensor, spec: LayerSpec): SymbolicTensor {
  switch (spec[0]) {
    case 'conv':
      return convolution(x, spec[1], spec[2], spec[3] > 0);
    case 'residual':
      return residual(x, spec[1], spec[2]);
    case 'dense':
      return after(x, layers.dense({ units: spec[1] }));
    case 'avgPool':
      return after(x, layers.averagePooling2d({ poolSize: spec[1] }));
    case 'maxPool':
      return after(x, layers.maxPooling2d({ poolSize: spec[1] }));
    case 'bn':
      return normalization(x);
    case 'globalPool':
      return after(x, layers.globalAveragePooling2d({}));
    case 'flatten':
      return after(x, layers.flatten());
    default:
      return after(x, layers.activation({ activation: spec[0] }));
  }
}

function after(x: SymbolicTensor | SymbolicTensor[], layer: layers.Layer): SymbolicTensor {
  return layer.apply(x) as SymbolicTensor;
}

function convolution(x: SymbolicTensor, filters: number, kernelSize: number, isPadded: boolean, strides = 1) {
  return after(x, layers.conv2d({ filters, kernelSize, strides, padding: isPadded ? 'same' : 'valid' }));
}

function normalization(x: SymbolicTensor): SymbolicTensor {
  return after(x, layers.batchNormalization({ momentum: 0.9, epsilon: 1e-5 }));
}

function residual(x: SymbolicTensor, channels: number, stride: number): SymbolicTensor {
  const relu = (y: SymbolicTensor) => after(y, layers.activation({ activation: 'relu' }));
  const first = relu(normalization(convolution(x, channels, 3, true, stride)));
  const body = normalization(convolution(first, channels, 3, true));
  const isSame = x.shape.at(-1) === channels && stride === 1;
  const skip = isSame ? x : normalization(convolution(x, channels, 1, false, stride));
  return relu(after([body, skip], layers.add()));
}

async function useWebAssembly(): Promise<void> {
  await import('@tensorflow/tfjs-backend-wasm');
  await tf.setBackend('wasm');
}

/** TensorFlow.js's own backend for Node on the binding that @bn/tfjs-cuda has set up. */
async function useNative(threads: number): Promise<void> {
  const { findNative } = await import('@bn/tfjs-cuda');
  const native = findNative();
  if (!native) throw new BnError('backend', 'libtensorflow is not installed; run: pnpm train setup tfjs');
  const require = createRequire(import.meta.url);
  // TensorFlow.js 4.22.0 calls a function that Node has had removed since version 23.
  const util = require('node:util') as { isNullOrUndefined?: (value: unknown) => boolean };
  util.isNullOrUndefined ??= (value) => value == null;
  const name = '@tensorflow/tfjs-node-gpu';
  require(`${name}/dist/register_all_kernels`);
  const { NodeJSKernelBackend } = require(`${name}/dist/nodejs_kernel_backend`);
  // libtensorflow reads them when it is loaded.
  Object.assign(process.env, {
    CUDA_VISIBLE_DEVICES: '-1',
    TF_NUM_INTRAOP_THREADS: `${threads}`,
    TF_CPP_MIN_LOG_LEVEL: '1',
  });
  const binding = require(native.binding);
  tf.registerBackend('tensorflow', () => new NodeJSKernelBackend(binding, name), 3);
  await tf.setBackend('tensorflow');
}
