// Inputs and options that cannot be meant.

import { batchNorm, groupNorm, input, instanceNorm, type Layer, layerNorm } from '@bn/core';
import { expect } from 'vitest';
import { apply, expectNear, type Hall, refusalOf, traced, trainerOf } from './museum.js';

const refused = (layer: () => Layer, shape: readonly number[], training = true) =>
  refusalOf(() => traced(layer(), input('x', shape), training));

export const refusals: Hall = {
  title: 'What is refused',
  about: 'An answer without a meaning is worse than an error that says what to do.',
  exhibits: [
    {
      title: 'One value per channel',
      reports: [
        'https://github.com/pytorch/pytorch/issues/1381',
        'https://github.com/pytorch/pytorch/issues/13223',
        'https://github.com/pytorch/pytorch/issues/77014',
        'https://github.com/torch/nn/pull/1271',
        'https://github.com/facebookresearch/SparseConvNet/issues/190',
        'https://github.com/tensorflow/tensorflow/issues/34062',
      ],
      scenario: 'Training on a batch of one row, or of one image of 1 × 1.',
      others:
        'Torch, PyTorch, SparseConvNet and TensorFlow on a GPU had NaN as the running variance: a division by N − 1 = 0. PyTorch now refuses, which was reported in turn.',
      right: 'One value has the variance zero: every output would be β, and nothing would be learned.',
      here: 'Refused, with the shape, the reason and a cure. An image of 2 × 1 alone is accepted.',
      async replay(backend) {
        for (const shape of [
          [1, 7],
          [1, 7, 1, 1],
        ]) {
          const message = await refused(() => batchNorm(), shape);
          expect(message).toContain(`one value per channel in training, input [${shape.join(', ')}]`);
          expect(message).toContain('use a batch of two or more');
        }
        const { y } = await apply(backend, batchNorm(), [3, 5], { shape: [1, 1, 2, 1] });
        expectNear(y, [-1 / Math.sqrt(1 + 1e-5), 1 / Math.sqrt(1 + 1e-5)], 1e-6);
      },
    },
    {
      title: 'One row in prediction, without running statistics',
      reports: ['https://github.com/pytorch/pytorch/issues/156051'],
      scenario: 'A layer without running statistics predicts for one row.',
      others: 'PyTorch says "expected more than 1 value per channel when training", although `eval()` was called.',
      right: 'It cannot predict for one row, because it has no running statistics. Training is not the cause.',
      here: 'Refused, with that cause: no word of training, and a cure that can be followed.',
      async replay() {
        const message = await refused(() => batchNorm({ trackRunningStatistics: false }), [1, 7], false);
        expect(message).toContain('trackRunningStatistics is false');
        expect(message).not.toContain('in training');
        expect(message).not.toContain('frozen');
      },
    },
    {
      title: 'One value in an instance or a group',
      reports: [
        'https://github.com/pytorch/pytorch/issues/19250',
        'https://github.com/pytorch/pytorch/issues/45687',
        'https://github.com/pytorch/pytorch/issues/94288',
      ],
      scenario: 'Instance normalization of images of 1 × 1; group normalization with a group for each of ten features.',
      others:
        'PyTorch gave zeros, or values of about 1e-5, for batches of two or more, and an error for a batch of one.',
      right: 'x − mean = 0: every output is β whatever x is, which cannot be meant.',
      here: 'Refused for every batch size, by the name of the layer.',
      async replay() {
        for (const batch of [1, 2]) {
          expect(await refused(() => instanceNorm(), [batch, 3, 1, 1])).toMatch(
            /^instanceNorm: one value per channel of an example/,
          );
          expect(await refused(() => groupNorm({ groups: 10 }), [batch, 10, 1])).toMatch(
            /^groupNorm: one value per group.*use fewer groups/,
          );
          expect(await refused(() => layerNorm(), [batch, 1])).toMatch(/^layerNorm: one value per example/);
        }
      },
    },
    {
      title: 'An epsilon below zero',
      reports: ['https://github.com/pytorch/pytorch/issues/166405', 'https://github.com/apache/tvm/issues/12590'],
      scenario: 'ε = −1.',
      others:
        'PyTorch gave NaN on the CPU and infinity on CUDA for a variance of one; TVM gave other outputs than PyTorch.',
      right: '√(variance − 1) is not a number for small variances. ε guards a division, so it is not negative.',
      here: 'Refused where the layer is made, naming the option and the value.',
      async replay() {
        const message = await refusalOf(() => batchNorm({ epsilon: -1 }));
        expect(message).toBe('batchNorm: epsilon must be 0 or more, got -1');
      },
    },
    {
      title: 'An epsilon of zero',
      reports: ['https://github.com/pytorch/pytorch/issues/173337', 'https://github.com/chr5tphr/zennit/pull/240'],
      scenario: 'Prediction with ε = 0 and running statistics that are not zero.',
      others:
        'PyTorch refuses it since 2.10, also in prediction: a program that makes the layer the identity by ε = 0 had to be rewritten.',
      right: '(x − mean) / √variance, which is defined: the identity for mean 0 and variance 1.',
      here: 'Accepted, and the identity, bit for bit.',
      async replay(backend) {
        const x = [0.1, -2, 3.5, 1e-3].map(Math.fround);
        const { y } = await apply(backend, batchNorm({ epsilon: 0 }), x, { shape: [4, 1], training: false });
        expect(y).toEqual(x);
      },
    },
    {
      title: 'Weights for other channels',
      reports: ['https://github.com/vacancy/Synchronized-BatchNorm-PyTorch/issues/31'],
      scenario: 'A layer for 36 channels meets 18.',
      others:
        'Synchronized-BatchNorm-PyTorch reshaped the input to its own number of channels and went on, on several GPUs.',
      right: 'A channel has one γ: 36 of them do not fit 18 channels.',
      here: 'The layer takes its channels from its input; weights of another number are refused, with both shapes.',
      async replay(backend) {
        const trainer = await trainerOf(backend, batchNorm(), [18]);
        const gamma = { shape: [36], data: new Float32Array(36) };
        expect(await refusalOf(() => trainer.load(new Map([['gamma', gamma]])))).toContain(
          "'gamma' is [36], but this model expects [18]",
        );
        await trainer.dispose();
      },
    },
  ],
};
