// Normalizations beside batch normalization.

import { batchRenorm, ghostBatchNorm, gradients, groupNorm, input, layerNorm } from '@bn/core';
import { expect } from 'vitest';
import { apply, evaluate, expectNear, type Hall, momentsOf, normalized, traced, wave } from './museum.js';

/** States of a layer that is past its warm-up, by fifteen times its steps. */
const warm = (mean: number, variance: number) => ({
  runningMean: [mean],
  runningVariance: [variance],
  warmth: [1 - 2e-7],
});

export const neighbours: Hall = {
  title: 'Neighbours',
  about: 'Ghost batch normalization, batch renormalization, and the normalizations of single examples.',
  exhibits: [
    {
      title: 'Ghosts in prediction',
      reports: [
        'https://github.com/tensorflow/tensorflow/issues/23050',
        'https://github.com/keras-team/keras/issues/15790',
      ],
      scenario: 'A layer trained in parts of 32 predicts for 5 rows.',
      others:
        'Keras divided batches in prediction, too: a number of rows that is not a multiple of `virtual_batch_size` was an error.',
      right: 'The paper divides in training alone. In prediction y = (x − running mean) / √(running variance + ε).',
      here: 'That, for 5 rows and for one.',
      async replay(backend) {
        const values = { runningMean: [2], runningVariance: [9] };
        for (const rows of [5, 1]) {
          const x = wave(rows);
          const { y } = await apply(backend, ghostBatchNorm({ size: 32 }), x, {
            shape: [rows, 1],
            training: false,
            values,
          });
          expectNear(
            y,
            x.map((v) => (v - 2) / Math.sqrt(9 + 1e-5)),
            1e-6,
          );
        }
      },
    },
    {
      title: 'A ghost of one',
      reports: ['https://github.com/dreamquark-ai/tabnet/issues/384', 'https://github.com/ludwig-ai/ludwig/pull/3119'],
      scenario: 'A batch of 21 rows in parts of 10: one row is left over.',
      others: 'TabNet ended with the error of a batch of one; Ludwig leaves such a part unnormalized.',
      right:
        'Each row is normalized among at least ten: parts of equal size, here three would have seven, so one of 21.',
      here: 'The smallest equal parts of ten rows or more: 21 rows are one part, 20 rows are two.',
      async replay(backend) {
        const run = async (rows: number) => {
          const x = wave(rows).map((v, i) => Math.fround(v + i));
          return { x, y: (await apply(backend, ghostBatchNorm({ size: 10 }), x, { shape: [rows, 1] })).y };
        };
        const odd = await run(21);
        expectNear(odd.y, normalized(odd.x), 1e-5);
        const even = await run(20);
        expectNear(even.y, [...normalized(even.x.slice(0, 10)), ...normalized(even.x.slice(10))], 1e-5);
      },
    },
    {
      title: 'Limits that never rise',
      reports: [
        'https://github.com/keras-team/keras-contrib/issues/127',
        'https://github.com/keras-team/keras-contrib/pull/142',
      ],
      scenario: 'Batch renormalization after its warm-up, of a batch that is off the running statistics.',
      others:
        'In keras-contrib r and d stayed 1 and 0, as their limits were computed once: the layer was batch normalization.',
      right:
        'y = x̂ · r + d = (x − running mean) / √(running variance + ε), as long as the limits 3 and 5 are not reached.',
      here: 'That, to 1e-5; at the start of the warm-up batch normalization.',
      async replay(backend) {
        const x = wave(8);
        const { mean, variance } = momentsOf(x);
        const values = warm(mean + 0.5, 2 * variance);
        const { y } = await apply(backend, batchRenorm(), x, { shape: [8, 1], values });
        expectNear(
          y,
          x.map((v) => (v - mean - 0.5) / Math.sqrt(2 * variance + 1e-5)),
          1e-5,
        );
        const start = await apply(backend, batchRenorm(), x, { shape: [8, 1], values: { ...values, warmth: [0] } });
        expectNear(start.y, normalized(x), 1e-5);
      },
    },
    {
      title: 'Scale and shift come last',
      reports: ['https://github.com/tensorpack/tensorpack/issues/1065'],
      scenario: 'Batch renormalization with γ = 3 and β = 10.',
      others: 'An early version of tensorpack scaled and shifted before it corrected by r and d.',
      right: 'γ · (x̂ · r + d) + β, as the paper has it; the other order gives (γ · x̂ + β) · r + d.',
      here: 'The order of the paper, to 1e-5.',
      async replay(backend) {
        const x = wave(8);
        const { mean, variance } = momentsOf(x);
        const values = { ...warm(mean + 0.5, 2 * variance), gamma: [3], beta: [10] };
        const { y } = await apply(backend, batchRenorm(), x, { shape: [8, 1], values });
        expectNear(
          y,
          x.map((v) => (3 * (v - mean - 0.5)) / Math.sqrt(2 * variance + 1e-5) + 10),
          2e-5,
        );
      },
    },
    {
      title: 'No gradient through the correction',
      reports: [
        'https://github.com/tensorflow/tensorflow/pull/8544',
        'https://github.com/tensorflow/tensorflow/issues/7476',
      ],
      scenario: 'The gradient of the input in batch renormalization.',
      others: 'An implementation proposed to TensorFlow wraps r and d in `stop_gradient`.',
      right:
        'r and d are constants to the gradient: dx = r · dx of batch normalization, where r = √((variance + ε) / (running variance + ε)).',
      here: 'That, to 1e-5. With a gradient through r and d it would be dy / √(running variance + ε).',
      async replay(backend) {
        const [x, dy] = [wave(8), wave(8, 1)];
        const { mean, variance } = momentsOf(x);
        const node = input('x', [8, 1]);
        const [dx] = gradients(traced(batchRenorm(), node, true).output, [node], input('dy', [8, 1]));
        const { gradient } = await evaluate(backend, { gradient: dx! }, { ...warm(mean + 0.5, 2 * variance), x, dy });
        const normal = normalized(x);
        const along = momentsOf(dy.map((v, i) => v * normal[i]!)).mean;
        const scale = 1 / Math.sqrt(2 * variance + 1e-5);
        expectNear(
          gradient,
          dy.map((v, i) => scale * (v - momentsOf(dy).mean - normal[i]! * along)),
          1e-5,
        );
      },
    },
    {
      title: 'Epsilon in the running variance',
      reports: ['https://github.com/keras-team/keras-contrib/pull/287'],
      scenario: 'Batch renormalization with a large ε.',
      others: 'keras-contrib averaged the variance with ε added.',
      right: 'The running variance is that of the values: 0.9 · 1 + 0.1 · 1 = 1 for ±1, with any ε.',
      here: '1, with ε = 0.5.',
      async replay(backend) {
        const { runningVariance } = await apply(backend, batchRenorm({ epsilon: 0.5 }), [-1, 1], { shape: [2, 1] });
        expectNear(runningVariance, [1], 1e-6);
      },
    },
    {
      title: 'Outputs with a variance of 1.25',
      reports: ['https://github.com/pytorch/pytorch/issues/22617'],
      scenario: 'Group normalization of five values.',
      others:
        'PyTorch gave −1.3768, −0.3985, −0.5176, 0.9900, 1.3028; by hand, with the unbiased variance, it was −1.2314, −0.3564, … . Their variances were printed as 1.2499 and 0.9999.',
      right:
        'The population variance normalizes. `var` divides by N − 1 by default: 1 · 5/4 = 1.25. The five printed outputs are already normalized.',
      here: 'The five printed outputs are left as they are, to the digits printed.',
      async replay(backend) {
        const printed = [-1.3768, -0.3985, -0.5176, 0.99, 1.3028];
        const { y } = await apply(backend, groupNorm({ groups: 1 }), printed, { shape: [1, 1, 5] });
        expectNear(y, printed, 1e-4);
        expect((momentsOf(y!).variance * 5) / 4).toBeCloseTo(1.25, 4);
      },
    },
    {
      title: 'Rows of two',
      reports: ['https://github.com/pytorch/pytorch/issues/84356'],
      scenario: 'Layer normalization of (0, 2), (0, 4), (−1, 5).',
      others: 'PyTorch gave ±1, reported as wrong because the deviation by N − 1 is not one.',
      right: '(x − mean) / √(population variance + ε): ±1, less half of ε / variance.',
      here: '−1 and 1 in each row, to 1e-5.',
      async replay(backend) {
        const { y } = await apply(backend, layerNorm(), [0, 2, 0, 4, -1, 5], { shape: [3, 2] });
        expectNear(y, [-1, 1, -1, 1, -1, 1], 1e-5);
      },
    },
    {
      title: 'One group, or a layer',
      reports: ['https://github.com/pytorch/pytorch/issues/75862'],
      scenario: 'Layer normalization and group normalization with one group, of an image with eight channels.',
      others:
        'They differ in PyTorch when layer normalization is given the channels alone: it has other statistics at each position.',
      right: 'Over the whole example they are one formula, with one mean and one variance.',
      here: 'The same outputs, bit for bit, as float64 has them to 1e-5.',
      async replay(backend) {
        const x = wave(32);
        const ofLayer = await apply(backend, layerNorm(), x, { shape: [1, 8, 2, 2] });
        const ofGroup = await apply(backend, groupNorm({ groups: 1 }), x, { shape: [1, 8, 2, 2] });
        expect(ofLayer.y).toEqual(ofGroup.y);
        expectNear(ofLayer.y, normalized(x), 1e-5);
      },
    },
    {
      title: 'A constant and a weight of 1e10',
      reports: ['https://github.com/pytorch/pytorch/issues/98075'],
      scenario:
        'Layer normalization with γ = 1e10 and more, and β = −1: in the report of −3 alone, here of −3 three times, as one value is refused.',
      others: 'PyTorch gave −1 for γ up to 1e10 and other values beyond.',
      right: '0 · γ + β = −1, whatever γ is.',
      here: '−1, exactly, for γ = 1e10 and 1e30.',
      async replay(backend) {
        for (const gamma of [1e10, 1e30]) {
          const values = { gamma: [gamma, gamma, gamma], beta: [-1, -1, -1] };
          const { y } = await apply(backend, layerNorm(), [-3, -3, -3], { shape: [1, 3], values });
          expect(y).toEqual([-1, -1, -1]);
        }
      },
    },
  ],
};
