// Running statistics, and prediction with them.

import { batchNorm, createGenerator, type Dataset, dense, type Layer, ops, sequential } from '@bn/core';
import { expect } from 'vitest';
import { apply, expectNear, type Hall, momentsOf, trainerOf } from './museum.js';

const momentsOfBoth = { shape: [3, 2] };
const x = [1, 2, 3, 4, 5, 6];

export const running: Hall = {
  title: 'Running statistics and prediction',
  about: 'What training keeps of its batches, and what prediction makes of it.',
  exhibits: [
    {
      title: 'Which value momentum weighs',
      reports: [
        'https://github.com/pytorch/examples/issues/289',
        'https://github.com/pytorch/pytorch/issues/15298',
        'https://github.com/keras-team/keras/issues/6839',
        'https://github.com/huggingface/transformers/pull/19454',
        'https://github.com/d2l-ai/d2l-en/pull/2213',
      ],
      scenario: 'A momentum of 0.9 or 0.1, in one framework or another.',
      others:
        'In PyTorch it weighs the new value, in TensorFlow, Keras and ONNX the old one. Ports took one for the other; the textbook Dive into Deep Learning changed from one to the other.',
      right: 'new = 0.9 · old + 0.1 · batch in both, from 0.1 in PyTorch and from 0.9 in the others.',
      here: 'A `convention` says whose momentum it is: all four agree.',
      async replay(backend) {
        for (const [convention, momentum] of [
          ['torch', 0.1],
          ['keras', 0.9],
          ['onnx', 0.9],
          ['d2l', 0.9],
        ] as const) {
          const values = { runningMean: [10, 20] };
          const layer = batchNorm({ convention, momentum });
          const { runningMean } = await apply(backend, layer, x, { ...momentsOfBoth, values });
          expectNear(runningMean, [0.9 * 10 + 0.1 * 3, 0.9 * 20 + 0.1 * 4], 1e-5);
        }
      },
    },
    {
      title: 'Two variances in one layer',
      reports: [
        'https://github.com/pytorch/pytorch/issues/60528',
        'https://github.com/pytorch/pytorch/issues/3122',
        'https://github.com/pytorch/pytorch/issues/19902',
      ],
      scenario: 'Sixteen values per channel, 1 to 7 in the first one, normalized in training.',
      others:
        'Reported as a contradiction: outputs from −1.8974 on, so the variance is divided by N, and a running variance of 1.1667, so it is divided by N − 1.',
      right:
        'Both, as the paper has it: outputs by the population variance 2.5; the running variance by the unbiased 2.6667, 0.9 · 1 + 0.1 · 2.6667.',
      here: "The printed outputs and 1.1667 with `convention: 'torch'`; with `d2l`, whose running variance is of the population, 1.15.",
      async replay(backend) {
        const values = Array.from({ length: 48 }, (_, i) => 1 + Math.floor(i / 12) + (i % 12));
        const torch = await apply(backend, batchNorm({ convention: 'torch' }), values, { shape: [4, 3, 4] });
        expectNear(torch.y!.slice(0, 4), [-1.8974, -1.2649, -0.6325, 0], 5e-5);
        expectNear(torch.runningVariance, [1.1667, 1.1667, 1.1667], 5e-5);
        const d2l = await apply(backend, batchNorm(), values, { shape: [4, 3, 4] });
        expectNear(d2l.runningVariance, [1.15, 1.15, 1.15], 1e-6);
      },
    },
    {
      title: '1.0259 or 1.0250',
      reports: ['https://github.com/pytorch/pytorch/issues/106366'],
      scenario: 'A batch of 16 images of 3 × 3, four each of 1, 2, 3 and 4.',
      others: 'The documentation of PyTorch spoke of the biased estimator, 1.0250; the layer had 1.0259.',
      right: 'The population variance is 1.25, the unbiased one 1.25 · 144/143: 0.9 + 0.1 · 1.2587 = 1.0259.',
      here: '1.0259 with `torch`, and 1.0250 with `d2l`.',
      async replay(backend) {
        const values = Array.from({ length: 288 }, (_, i) => 1 + Math.floor(i / 72));
        const run = async (convention: 'torch' | 'd2l') =>
          (await apply(backend, batchNorm({ convention }), values, { shape: [16, 2, 3, 3] })).runningVariance;
        expectNear(await run('torch'), [1.0259, 1.0259], 5e-5);
        expectNear(await run('d2l'), [1.025, 1.025], 1e-6);
      },
    },
    {
      title: 'The statistics of one batch',
      reports: ['https://github.com/pytorch/pytorch/issues/7028'],
      scenario: 'The rows (2, 15, 2, 1), (2, 17, 2, 1), (−4, −2, −2, −1) with a momentum of 1 in PyTorch.',
      others: 'The running variance 12, 109, 5.3333, 1.3333 was taken for wrong, as NumPy divides by N.',
      right: 'Sums of squares divided by N − 1 = 2: 24/2, 218/2, 10.667/2, 2.667/2.',
      here: 'These four, and the means 0, 10, 0.6667, 0.3333.',
      async replay(backend) {
        const rows = [2, 15, 2, 1, 2, 17, 2, 1, -4, -2, -2, -1];
        const layer = batchNorm({ convention: 'torch', momentum: 1 });
        const { runningMean, runningVariance } = await apply(backend, layer, rows, { shape: [3, 4] });
        expectNear(runningMean, [0, 10, 2 / 3, 1 / 3], 1e-5);
        expectNear(runningVariance, [12, 109, 16 / 3, 4 / 3], 2e-5);
      },
    },
    {
      title: 'One framework, two estimators',
      reports: [
        'https://github.com/tensorflow/tensorflow/issues/55545',
        'https://github.com/ml-explore/mlx/pull/3817',
        'https://github.com/tenstorrent/tt-metal/issues/55438',
      ],
      scenario: 'The running variance of a batch of three rows.',
      others:
        'Keras in TensorFlow divided by N or by N − 1, depending on whether its fused kernel was used. MLX and tt-metal divided by N, and were changed or reported because PyTorch does not.',
      right: 'Either is a convention; one layer has one. For 1, 3, 5: 8/3 by N, 4 by N − 1.',
      here: '8/3 for `d2l`, `onnx` and `keras`, 4 for `torch`, whatever computes it.',
      async replay(backend) {
        for (const [convention, momentum, variance] of [
          ['d2l', 0, 8 / 3],
          ['onnx', 0, 8 / 3],
          ['keras', 0, 8 / 3],
          ['torch', 1, 4],
        ] as const) {
          const { runningVariance } = await apply(backend, batchNorm({ convention, momentum }), x, momentsOfBoth);
          expectNear(runningVariance, [variance, variance], 1e-6);
        }
      },
    },
    {
      title: 'A mean that is corrected',
      reports: ['https://github.com/chainer/chainer/issues/332'],
      scenario: 'The running mean of a small batch.',
      others: 'Chainer multiplied the mean, too, by m / (m − 1).',
      right: 'Only the variance has a bias. The mean of 1, 3, 5 is 3, not 4.5.',
      here: '3, by every convention.',
      async replay(backend) {
        for (const convention of ['torch', 'd2l', 'keras', 'onnx'] as const) {
          const layer = batchNorm({ convention, momentum: convention === 'torch' ? 1 : 0 });
          expectNear((await apply(backend, layer, x, momentsOfBoth)).runningMean, [3, 4], 1e-6);
        }
      },
    },
    {
      title: 'Outputs in training and in prediction',
      reports: [
        'https://github.com/microsoft/onnxruntime/issues/3873',
        'https://github.com/pytorch/pytorch/issues/5406',
      ],
      scenario: 'A fresh layer on three rows of three features, in training and in prediction.',
      others:
        'Reported as a mismatch between a layer of PyTorch that was in training and its exported model; and as a difference between `train()` and `eval()`.',
      right:
        'In training the printed 0.2109, 1.1056, −1.3165 for the first feature; in prediction with mean 0 and variance 1, x / √(1 + ε).',
      here: 'Both, to the digits printed.',
      async replay(backend) {
        const rows = [1.7641, 0.4002, 0.9787, 2.2409, 1.8676, -0.9773, 0.9501, -0.1514, -0.1032];
        const printed = [0.2109, -0.3583, 1.2657, 1.1056, 1.3639, -1.1791, -1.3165, -1.0056, -0.0866];
        const training = await apply(backend, batchNorm({ convention: 'torch' }), rows, { shape: [3, 3] });
        expectNear(training.y, printed, 2e-4);
        const prediction = await apply(backend, batchNorm({ convention: 'torch' }), rows, {
          shape: [3, 3],
          training: false,
        });
        expectNear(
          prediction.y,
          rows.map((v) => v / Math.sqrt(1 + 1e-5)),
          1e-6,
        );
      },
    },
    {
      title: 'Batch statistics in prediction, on purpose',
      reports: [
        'https://github.com/tensorflow/tfjs/issues/562',
        'https://github.com/tensorflow/tfjs/issues/7250',
        'https://github.com/keras-team/keras/issues/3085',
      ],
      scenario: 'A layer of Keras called with `training = 1` predicts for an image of zeros.',
      others: 'Keras gave β. TensorFlow.js used the moving averages and gave 0.074 for the first channel.',
      right:
        'By the statistics of the batch, zeros are a constant channel: y = β = (−0.00316227, 0.00316227, −0.00316228).',
      here: 'β with `trackRunningStatistics: false`, which says that prediction depends on its batch.',
      async replay(backend) {
        const beta = [-0.00316227, 0.00316227, -0.00316228];
        const layer = batchNorm({ convention: 'keras', axis: 3, trackRunningStatistics: false });
        const values = { gamma: [0.99683774, 0.99683774, 0.99683774], beta };
        const { y } = await apply(backend, layer, new Array(12).fill(0), {
          shape: [1, 2, 2, 3],
          training: false,
          values,
        });
        expect(y).toEqual([0, 1, 2, 3].flatMap(() => beta.map(Math.fround)));
      },
    },
    {
      title: 'A frozen layer',
      reports: [
        'https://github.com/keras-team/keras/issues/7085',
        'https://github.com/keras-team/keras/issues/9522',
        'https://github.com/keras-team/keras/pull/9965',
      ],
      scenario: 'Training with a layer whose running statistics are to stay: mean 1, variance 4, ε = 0.',
      others: 'Keras, with `trainable = False`, normalized with the batch and went on moving the averages.',
      right: 'y = (x − 1) / 2, and the running statistics stay.',
      here: '`frozen: true` gives (x − 1) / 2 and updates nothing.',
      async replay(backend) {
        const values = { runningMean: [1, 1], runningVariance: [4, 4] };
        const layer = batchNorm({ frozen: true, epsilon: 0 });
        const { y, ...updates } = await apply(backend, layer, x, { ...momentsOfBoth, values });
        expectNear(
          y,
          x.map((v) => (v - 1) / 2),
          1e-6,
        );
        expect(updates).toEqual({});
      },
    },
    {
      title: 'Training the last layer alone',
      reports: ['https://github.com/keras-team/keras/issues/4762', 'https://github.com/keras-team/keras/issues/6570'],
      scenario: 'A network is fine-tuned: only its last layer is trained.',
      others: 'In Keras the moving averages of the layers before it changed all the same.',
      right: 'What is not trained is not changed: γ, β and the running statistics stay, bit for bit.',
      here: "With `trainable: (path) => path.startsWith('out.')` they stay; the weights of the last layer move.",
      async replay(backend) {
        const network = sequential({ bn: batchNorm(), out: dense(2) });
        const trainable = (path: string) => path.startsWith('out.');
        const trainer = await trainerOf(backend, network, [2], { trainable });
        const before = await trainer.values();
        const batch = { features: Float32Array.of(3, 1, 4, 1, 5, 9), labels: Int32Array.of(0, 1, 0) };
        for (let i = 0; i < 3; i++) await trainer.step(batch, { learningRate: 0.1 });
        const after = await trainer.values();
        const moved = [...after].filter(([path, { data }]) => data.some((v, i) => v !== before.get(path)!.data[i]));
        expect(moved.map(([path]) => path).sort()).toEqual(['out.bias', 'out.weight']);
        await trainer.dispose();
      },
    },
    {
      title: 'A NaN in the data',
      reports: [
        'https://github.com/pytorch/pytorch/issues/1206',
        'https://github.com/pytorch/pytorch/issues/88474',
        'https://github.com/pytorch/pytorch/issues/90342',
      ],
      scenario: 'One batch has a value that is not a number.',
      others:
        'The running statistics were NaN from then on. It was seen only in evaluation: training does not use them.',
      right: 'old · 0.9 + NaN · 0.1 = NaN for good, so it must be noticed before it is averaged.',
      here: 'The training step is refused, names the example, and the running statistics stay as they were.',
      async replay(backend) {
        const trainer = await trainerOf(backend, batchNorm(), [2]);
        const labels = Int32Array.of(0, 1);
        await trainer.step({ features: Float32Array.of(1, 2, 3, 5), labels }, { learningRate: 0.1 });
        const before = (await trainer.values()).get('runningMean')!.data;
        const bad = { features: Float32Array.of(1, 2, Number.NaN, 5), labels };
        await expect(trainer.step(bad, { learningRate: 0.1 })).rejects.toThrow(
          'example 1 of the batch has a feature that is NaN',
        );
        expect((await trainer.values()).get('runningMean')!.data).toEqual(before);
        await trainer.dispose();
      },
    },
    {
      title: 'The first batch',
      reports: [
        'https://github.com/google/flax/issues/1360',
        'https://github.com/pytorch/pytorch/pull/5766',
        'https://github.com/pytorch/pytorch/issues/31498',
        'https://github.com/soumith/cudnn.torch/issues/91',
      ],
      scenario: 'Running statistics after a first and a second batch.',
      others: 'Flax and cudnn.torch mix the first batch with the mean 0 and the variance 1 that they begin with.',
      right:
        'A moving average does so by its definition. The mean of all batches does not: after one batch it is that batch.',
      here: 'With `momentum: null` it is the mean of the batches, from the first one on.',
      async replay(backend) {
        const layer = batchNorm({ momentum: null });
        const first = await apply(backend, layer, x, momentsOfBoth);
        expectNear(first.runningMean, [3, 4], 1e-6);
        expectNear(first.runningVariance, [8 / 3, 8 / 3], 1e-6);
        const { y, ...values } = first;
        const second = await apply(
          backend,
          layer,
          x.map((v) => 3 * v),
          { ...momentsOfBoth, values },
        );
        expectNear(second.runningMean, [6, 8], 1e-6);
        expectNear(second.runningVariance, [(8 / 3 + 24) / 2, (8 / 3 + 24) / 2], 1e-5);
      },
    },
    {
      title: 'One layer in two branches',
      reports: ['https://github.com/keras-team/keras/issues/8794'],
      scenario: 'A Siamese network: one layer normalizes 1, 3 in one branch and 5, 9 in the other.',
      others: 'In Keras the moving variance of a shared layer came out as zero.',
      right:
        'It follows both, one after the other: 0.9 · (0.9 · 1 + 0.1 · 1) + 0.1 · 4 = 1.3; the mean 0.9 · (0.1 · 2) + 0.1 · 7 = 0.88.',
      here: '0.88 and 1.3.',
      async replay(backend) {
        const shared = batchNorm();
        const network: Layer = (v, scope) => {
          const other = ops.add(ops.mul(v, 2), 3);
          return ops.add(shared(v, scope.child('bn')), shared(other, scope.child('bn')));
        };
        const result = await apply(backend, network, [1, 3], { shape: [2, 1] });
        expectNear(result['bn.runningMean'], [0.88], 1e-6);
        expectNear(result['bn.runningVariance'], [1.3], 1e-6);
      },
    },
    {
      title: 'Another epsilon',
      reports: [
        'https://github.com/gzuidhof/nn-transfer/pull/3',
        'https://github.com/qqwweee/keras-yolo3/issues/451',
        'https://github.com/r9y9/tacotron_pytorch/issues/19',
      ],
      scenario: 'Weights go from Keras to PyTorch or Darknet, or back: a channel with a running variance of 0.001.',
      others:
        'ε is 0.001 by default in Keras, and 0.00001 in PyTorch and Darknet: outputs of ported networks differed.',
      right: 'x / √(0.001 + 0.001) and x / √(0.001 + 0.00001): by a factor of 1.41.',
      here: 'ε goes with the convention: 22.36 for x = 1 with `keras`, 31.47 with `torch`.',
      async replay(backend) {
        const run = async (convention: 'keras' | 'torch') => {
          const values = { runningVariance: [0.001] };
          return (await apply(backend, batchNorm({ convention }), [1], { shape: [1, 1], training: false, values })).y!;
        };
        expectNear(await run('keras'), [1 / Math.sqrt(0.002)], 1e-4);
        expectNear(await run('torch'), [1 / Math.sqrt(0.00101)], 1e-4);
      },
    },
    {
      title: 'The variance of a whole data set',
      reports: [
        'https://github.com/facebookresearch/pycls/pull/93',
        'https://github.com/facebookresearch/fvcore/issues/152',
        'https://github.com/facebookresearch/detectron2/issues/5398',
        'https://github.com/facebookresearch/detectron2/issues/5409',
      ],
      scenario: 'Running statistics are computed anew from 199 values, in batches of 199, 64, 8, 3 or 2.',
      others:
        'pycls went from the variance of the population to the mean of the variances of the batches, which makes a difference for small batches. In fvcore the statistics differed between processes with batches of different sizes.',
      right:
        'The variance of all values, Σ(x − mean)² / N, whatever the batches: it is the mean of their variances plus the variance of their means.',
      here: '`recalibrate` gives that variance, to 1e-5 of it, for each of these batch sizes.',
      async replay(backend) {
        const generator = createGenerator(7);
        const values = Array.from({ length: 199 }, () => Math.fround(10 * generator.uniform()));
        const data: Dataset = {
          length: values.length,
          features: { shape: [1], dtype: 'float32' },
          get: (i) => ({ features: [values[i]!], label: i % 2 }),
        };
        const { mean, variance } = momentsOf(values);
        const trainer = await trainerOf(backend, sequential({ bn: batchNorm(), out: dense(2) }), [1]);
        for (const batchSize of [199, 64, 8, 3, 2]) {
          await trainer.recalibrate(data, { batchSize });
          const found = await trainer.values();
          expect(found.get('bn.runningMean')!.data[0]! / mean).toBeCloseTo(1, 5);
          expect(found.get('bn.runningVariance')!.data[0]! / variance).toBeCloseTo(1, 5);
        }
        await trainer.dispose();
      },
    },
  ],
};
