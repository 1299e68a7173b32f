// Models that leave: batch normalization folded into the layer before it, and exported to ONNX.

import type { Backend } from '@bn/core';
import {
  batchNorm,
  conv2d,
  defineModel,
  dense,
  flatten,
  type HostTensor,
  type Layer,
  printGraph,
  regression,
  relu,
  sequential,
} from '@bn/core';
import { exportInference, importInference, openPredictor } from '@bn/onnx';
import { expect } from 'vitest';
import { byChannel, expectNear, type Hall, normalized, wave } from './museum.js';

/** The network of an exported file, and what the file, read again, gives for some examples. */
async function exported(
  backend: Backend,
  network: Layer,
  shape: readonly number[],
  weights: Readonly<Record<string, readonly [shape: readonly number[], data: readonly number[]]>>,
  x: readonly number[],
  fold: boolean,
): Promise<{ y: number[]; graph: string; bytes: Uint8Array }> {
  const model = defineModel(network, { input: { shape: [null, ...shape], dtype: 'float32' } });
  const values = new Map<string, HostTensor>(
    Object.entries(weights).map(([path, [of, data]]) => [path, { shape: of, data: Float32Array.from(data) }]),
  );
  const bytes = exportInference(model, values, { fold, input: 'float32', objective: regression() });
  const predictor = await openPredictor(bytes, backend, { gives: 'values' });
  const y = Array.from(await predictor.predict(Float32Array.from(x)));
  await predictor.dispose();
  return { y, graph: printGraph(importInference(bytes).graph), bytes };
}

type Normalization = { gamma: number[]; beta: number[]; mean: number[]; variance: number[] };

/** The formula of prediction, for channel c. */
const predicted = (v: number, c: number, { gamma, beta, mean, variance }: Normalization) =>
  (gamma[c]! * (v - mean[c]!)) / Math.sqrt(variance[c]! + 1e-5) + beta[c]!;

const tensors = (n: number, { gamma, beta, mean, variance }: Normalization, name = 'bn') =>
  ({
    [`${name}.gamma`]: [[n], gamma],
    [`${name}.beta`]: [[n], beta],
    [`${name}.runningMean`]: [[n], mean],
    [`${name}.runningVariance`]: [[n], variance],
  }) as Record<string, readonly [number[], number[]]>;

const pixels = { kernelSize: 1 };

export const folding: Hall = {
  title: 'Folding and export',
  about:
    'A convolution and the batch normalization after it are one convolution: w′ = w · γ / √(variance + ε), b′ = (b − mean) · γ / √(variance + ε) + β.',
  exhibits: [
    {
      title: 'Gamma below zero, and zero',
      reports: ['https://github.com/LeelaChessZero/lc0/pull/779', 'https://github.com/Samsung/ONE/pull/4788'],
      scenario: 'Channels with γ = −2, 0 and 1 and variances of 4, 0.25 and 0.',
      others:
        'lc0 had to be changed for γ at zero and below; a pass of ONE makes negative γ positive, which can change results.',
      right:
        'γ · (conv(x) − mean) / √(variance + ε) + β: a channel with γ = 0 is β, one with variance 0 is divided by √ε.',
      here: 'The formula in float64, to 3e-7 of the largest value, folded and not.',
      async replay(backend) {
        const bn = { gamma: [-2, 0, 1], beta: [0.1, 0.3, -0.2], mean: [0.5, -1, 0], variance: [4, 0.25, 0] };
        const weight = wave(6);
        const weights = {
          'conv.weight': [[3, 2, 1, 1], weight],
          'conv.bias': [[3], [0.5, -0.25, 1]],
          ...tensors(3, bn),
        } as const;
        const x = wave(8, 1);
        const expected = Array.from({ length: 12 }, (_, i) => {
          const [row, c] = [Math.floor(i / 3), i % 3];
          const conv = weight[2 * c]! * x[2 * row]! + weight[2 * c + 1]! * x[2 * row + 1]! + [0.5, -0.25, 1][c]!;
          return predicted(conv, c, bn);
        });
        const network = sequential({ conv: conv2d(3, pixels), bn: batchNorm(), flatten: flatten() });
        for (const fold of [false, true]) {
          const { y, graph } = await exported(backend, network, [2, 1, 1], weights, x, fold);
          expectNear(y, expected, 3e-7 * Math.max(...expected.map(Math.abs)));
          expect(graph.includes('batchNormalize')).toBe(!fold);
        }
      },
    },
    {
      title: 'The bias of a depthwise convolution',
      reports: ['https://github.com/Tencent/ncnn/issues/1339'],
      scenario: 'A depthwise convolution with a bias, before batch normalization.',
      others: 'ncnn added the shift to the bias but did not scale the bias.',
      right: 'b′ = b · γ / √(variance + ε) + (β − mean · γ / √(variance + ε)).',
      here: 'The formula in float64, to 3e-7 of the largest value.',
      async replay(backend) {
        const bn = { gamma: [3, 0.5], beta: [1, -1], mean: [2, -4], variance: [0.25, 9] };
        const weights = {
          'conv.weight': [
            [2, 1, 1, 1],
            [2, -1],
          ],
          'conv.bias': [[2], [5, 7]],
          ...tensors(2, bn),
        } as const;
        const x = wave(8);
        const expected = x.map((v, i) => predicted([2, -1][i % 2]! * v + [5, 7][i % 2]!, i % 2, bn));
        const network = sequential({ conv: conv2d(2, { ...pixels, groups: 2 }), bn: batchNorm(), flatten: flatten() });
        const { y, graph } = await exported(backend, network, [2, 1, 1], weights, x, true);
        expectNear(y, expected, 3e-7 * Math.max(...expected.map(Math.abs)));
        expect(graph).not.toContain('batchNormalize');
      },
    },
    {
      title: 'A convolution without a bias',
      reports: ['https://github.com/tenstorrent/tt-metal/pull/5317'],
      scenario: 'A convolution without a bias, before batch normalization.',
      others: "A review of tt-metal's first version noted that it loses mean and shift where there is no bias.",
      right: 'The bias is taken for zero: b′ = β − mean · γ / √(variance + ε).',
      here: 'The formula in float64, to 1e-6; the folded convolution has a bias.',
      async replay(backend) {
        const bn = { gamma: [2], beta: [0.5], mean: [3], variance: [4] };
        const weights = { 'conv.weight': [[1, 1, 1, 1], [1.5]], ...tensors(1, bn) } as const;
        const x = wave(4);
        const network = sequential({
          conv: conv2d(1, { ...pixels, bias: false }),
          bn: batchNorm(),
          flatten: flatten(),
        });
        const { y, graph } = await exported(backend, network, [1, 1, 1], weights, x, true);
        expectNear(
          y,
          x.map((v) => predicted(1.5 * v, 0, bn)),
          1e-6,
        );
        expect(graph).not.toContain('batchNormalize');
      },
    },
    {
      title: 'A ReLU in between',
      reports: ['https://github.com/pytorch/glow/issues/5892'],
      scenario: 'Convolution, ReLU, batch normalization, in this order.',
      others: 'Glow was reported to fold across the ReLU, with other outputs.',
      right: 'ReLU(conv(x)) normalized.',
      here: 'The formula, to 1e-6; the normalization stays where it is.',
      async replay(backend) {
        const bn = { gamma: [2], beta: [0.5], mean: [0.25], variance: [0.5] };
        const weights = { 'conv.weight': [[1, 1, 1, 1], [1]], 'conv.bias': [[1], [0]], ...tensors(1, bn) } as const;
        const network = sequential({ conv: conv2d(1, pixels), act: relu(), bn: batchNorm(), flatten: flatten() });
        const { y, graph } = await exported(backend, network, [1, 1, 1], weights, [-1, 1], true);
        expectNear(y, [predicted(0, 0, bn), predicted(1, 0, bn)], 1e-6);
        expect(graph).toContain('batchNormalize');
      },
    },
    {
      title: 'Rounding that is no fault',
      reports: [
        'https://github.com/onnx/optimizer/issues/255',
        'https://github.com/onnx/onnx/issues/2677',
        'https://github.com/onnx/optimizer/issues/178',
      ],
      scenario: 'A model before folding and after, on the same inputs.',
      others:
        'onnx-optimizer: once a wrong tensor in the published Linux packages, once changed detections, once a difference of 3.8e-6, which is 2.8e-7 of the value.',
      right:
        'Float32 has steps of 1.2e-7 of a value. A folded product is rounded in other places: differences of a few steps remain, larger ones are faults.',
      here: 'Folded and not, each within 5e-7 of the largest value of float64.',
      async replay(backend) {
        const n = 8;
        const bn = {
          gamma: wave(n, 1),
          beta: wave(n, 2),
          mean: wave(n, 3),
          variance: wave(n, 4).map((v) => Math.abs(v) + 0.01),
        };
        bn.variance = bn.variance.map(Math.fround);
        const [weight, bias, x] = [wave(n * 16), wave(n, 5), wave(3 * 16, 6)];
        const weights = { 'dense.weight': [[n, 16], weight], 'dense.bias': [[n], bias], ...tensors(n, bn) } as const;
        const expected = Array.from({ length: 3 * n }, (_, i) => {
          const [row, c] = [Math.floor(i / n), i % n];
          let product = bias[c]!;
          for (let k = 0; k < 16; k++) product += weight[c * 16 + k]! * x[row * 16 + k]!;
          return predicted(product, c, bn);
        });
        const largest = Math.max(...expected.map(Math.abs));
        const network = sequential({ dense: dense(n), bn: batchNorm() });
        for (const fold of [false, true]) {
          const { y, graph } = await exported(backend, network, [16], weights, x, fold);
          expectNear(y, expected, 5e-7 * largest);
          expect(graph.includes('batchNormalize')).toBe(!fold);
        }
      },
    },
    {
      title: 'A layer without running statistics, exported',
      reports: [
        'https://github.com/pytorch/pytorch/issues/45333',
        'https://github.com/pytorch/pytorch/issues/75252',
        'https://github.com/microsoft/onnxruntime/issues/26584',
        'https://github.com/microsoft/onnxscript/issues/1791',
      ],
      scenario: 'A network that always normalizes by its batch is exported for prediction.',
      others:
        'PyTorch failed, or wrote the operator in training mode, which OpenVINO and TensorRT did not take; setting the mode to prediction afterwards gave other outputs.',
      right: 'The mean and variance of the batch at hand, whatever its size.',
      here: 'A file that normalizes by its batch without the training mode of the operator: batches of 2 and of 5, to 1e-5 of float64.',
      async replay(backend) {
        const network = batchNorm({ trackRunningStatistics: false });
        const weights = { gamma: [[2], [1, 1]], beta: [[2], [0, 0]] } as const;
        for (const batch of [2, 5]) {
          const x = wave(2 * batch).map((v, i) => v + (i % 2) * 10);
          const { y, bytes } = await exported(backend, network, [2], weights, x, false);
          expect(Buffer.from(bytes).includes('training_mode')).toBe(false);
          const expected = byChannel(x.map(Math.fround), [batch, 2]).map((values) => normalized(values));
          byChannel(y, [batch, 2]).forEach((values, c) => {
            expectNear(values, expected[c]!, 1e-5);
          });
        }
      },
    },
  ],
};
