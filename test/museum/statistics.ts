// Mean and variance of one batch.

import { batchNorm, gradients, input, layerNorm } from '@bn/core';
import { expect } from 'vitest';
import {
  apply,
  byChannel,
  evaluate,
  expectNear,
  float32,
  type Hall,
  momentsOf,
  normalized,
  refusalOf,
  traced,
  trainerOf,
  wave,
} from './museum.js';

/** Values far from zero, an eighth apart, which float32 has exactly. */
const around = (mean: number, size: number, step = 0.125) =>
  Array.from({ length: size }, (_, i) => mean + step * (((i * 7) % 16) - 8));

export const statistics: Hall = {
  title: 'Mean and variance of a batch',
  about: 'With float32 a mean that is far from zero costs digits, unless the sums are taken with care.',
  exhibits: [
    {
      title: 'A channel of one value',
      reports: ['https://github.com/pytorch/pytorch/issues/5410', 'https://github.com/BVLC/caffe/issues/3963'],
      scenario:
        'Every value of a channel is the same: 1e10, −8.1e9, 3.3e7, −1e7 in images of 10 × 10, or 100 in one of 3 × 3.',
      others:
        'PyTorch gave values other than zero, which became −1 and 1 for large ones (above 1e7). Caffe had the mean 100.000015 and gave −0.00483.',
      right: 'x − mean = 0 for every value, so y = 0 · γ / √(0 + ε) + β = β, exactly.',
      here: 'Exactly β, and exactly zero as the variance of the batch.',
      async replay(backend) {
        const constants = float32([-8.123457e9, 3.3e7, 1e10, -1e7, 1000.1]);
        const x = constants.flatMap((c) => new Array<number>(100).fill(c));
        const beta = [0, 0.5, 1, -2, 3];
        const { y, runningVariance } = await apply(backend, batchNorm({ convention: 'torch', momentum: 1 }), x, {
          shape: [1, 5, 10, 10],
          values: { beta },
        });
        expect(y).toEqual(beta.flatMap((b) => new Array<number>(100).fill(b)));
        expect(runningVariance).toEqual([0, 0, 0, 0, 0]);
        const hundred = await apply(backend, batchNorm(), new Array(9).fill(100), { shape: [1, 1, 3, 3] });
        expect(hundred.y).toEqual(new Array(9).fill(0));
      },
    },
    {
      title: 'A mean of 100, a deviation of 0.01',
      reports: ['https://github.com/pytorch/pytorch/issues/40302'],
      scenario: 'Layer normalization of values around 100 that deviate by about 0.01.',
      others:
        'The variance came out as zero in PyTorch; about 1e-4 was expected. It was computed in one pass, as E[x²] − E[x]².',
      right: 'The mean of (x − mean)², in float64 from the same float32 values.',
      here: 'The outputs of float64, to 2e-5.',
      async replay(backend) {
        const x = float32(wave(2048).map((v) => 100 + 0.014 * v));
        const { y } = await apply(backend, layerNorm(), x, { shape: [1, 2048] });
        expect(momentsOf(x).variance).toBeGreaterThan(2e-5);
        expectNear(y, normalized(x), 2e-5);
      },
    },
    {
      title: 'A mean of fifty deviations',
      reports: ['https://github.com/tenstorrent/tt-metal/issues/45968'],
      scenario: 'Batch normalization in training of channels with a mean of ±5 and a deviation of 0.1.',
      others: 'tt-metal gave NaN: it subtracted E[x]² from E[x²], in bfloat16.',
      right: 'The mean of (x − mean)², in float64 from the same float32 values.',
      here: 'The outputs of float64, to 1e-5.',
      async replay(backend) {
        const shape = [2, 4, 8, 8];
        const x = float32(wave(512).map((v, i) => (Math.floor(i / 64) % 2 ? -5 : 5) + 0.14 * v));
        const { y } = await apply(backend, batchNorm(), x, { shape });
        const channels = byChannel(y!, shape);
        byChannel(x, shape).forEach((values, c) => {
          expectNear(channels[c], normalized(values), 1e-5);
        });
      },
    },
    {
      title: 'A variance below zero',
      reports: [
        'https://github.com/google/flax/issues/1491',
        'https://github.com/tensorflow/tensorflow/issues/3290',
        'https://github.com/tensorflow/tensorflow/issues/118701',
      ],
      scenario: 'A batch with a large offset: 10,000, a million, a hundred million.',
      others:
        'E[x²] − E[x]² was below zero by rounding: Flax and XLA took the root of it, NaN. XLA did so from 10,000 on with three channels.',
      right: 'A variance is a mean of squares, never below zero. The offset changes neither the variance nor y.',
      here: 'The variance and the outputs of the batch without its offset, to 1e-6.',
      async replay(backend) {
        const shape = [4, 3, 2, 2];
        for (const [offset, step] of [
          [1e4, 0.125],
          [1e6, 0.125],
          [1e8, 8],
        ] as const) {
          const x = around(offset, 48, step);
          const { y, runningVariance } = await apply(backend, batchNorm({ convention: 'onnx', momentum: 0 }), x, {
            shape,
          });
          const channels = byChannel(y!, shape);
          byChannel(x, shape).forEach((values, c) => {
            const centred = values.map((v) => v - offset);
            expect(runningVariance![c]! / momentsOf(centred).variance).toBeCloseTo(1, 6);
            expectNear(channels[c], normalized(centred), 1e-6);
          });
        }
      },
    },
    {
      title: 'The gradient at a large offset',
      reports: ['https://github.com/tensorflow/tensorflow/issues/118701'],
      scenario: 'The gradient of batch normalization in training, of a batch with an offset of a million.',
      others: 'XLA gave NaN for all of the gradient at an offset where the outputs were still numbers.',
      right: 'dx = γ / √(variance + ε) · (dy − mean(dy) − x̂ · mean(dy · x̂)), which an offset of x does not change.',
      here: 'The gradient of float64, to 1e-6.',
      async replay(backend) {
        const x = around(1e6, 16);
        const dy = wave(16);
        const node = input('x', [16, 1]);
        const { output } = traced(batchNorm(), node, true);
        const [dx] = gradients(output, [node], input('dy', [16, 1]));
        const { gradient } = await evaluate(backend, { gradient: dx! }, { x, dy });
        const normal = normalized(x);
        const along = momentsOf(dy.map((v, i) => v * normal[i]!)).mean;
        const scale = 1 / Math.sqrt(momentsOf(x).variance + 1e-5);
        expectNear(
          gradient,
          dy.map((v, i) => scale * (v - momentsOf(dy).mean - normal[i]! * along)),
          1e-6,
        );
      },
    },
    {
      title: 'Four whole numbers',
      reports: ['https://github.com/microsoft/onnxruntime/issues/28463'],
      scenario: 'Layer normalization of 40000, 40001, 40002, 40003, and of the same from 80000 on.',
      others: 'ONNX Runtime gave NaN.',
      right: 'Mean v + 1.5, variance 1.25: y = (−1.5, −0.5, 0.5, 1.5) / √(1.25 + ε).',
      here: 'These values, to 1e-6.',
      async replay(backend) {
        const expected = [-1.5, -0.5, 0.5, 1.5].map((v) => v / Math.sqrt(1.25 + 1e-5));
        for (const v of [40000, 80000]) {
          const { y } = await apply(backend, layerNorm(), [v, v + 1, v + 2, v + 3], { shape: [1, 4] });
          expectNear(y, expected, 1e-6);
        }
      },
    },
    {
      title: 'Four values around 2000',
      reports: ['https://github.com/pytorch/pytorch/issues/51102'],
      scenario: 'Layer normalization of four values around 2000 with a deviation of about one.',
      others:
        'PyTorch 1.7 on the CPU gave variances from 0.05 to 48,000; one row was (22, 72.75, −285, 190.5) in place of (0.12, 0.41, −1.62, 1.09).',
      right: 'Mean and variance of the four values: y has the mean 0 and the variance 1 (less what ε takes).',
      here: 'The outputs of float64, to 1e-6.',
      async replay(backend) {
        const x = [2000.125, 2000.5, 1998.375, 2001];
        const { y } = await apply(backend, layerNorm(), x, { shape: [1, 4] });
        expectNear(y, normalized(x), 1e-6);
        expect(momentsOf(y!).variance).toBeCloseTo(1, 4);
      },
    },
    {
      title: 'One value that is not like the others',
      reports: ['https://github.com/k2-fsa/sherpa-onnx/pull/3857'],
      scenario: 'A feature is −15.94 in all frames of a recording but one.',
      others: 'sherpa-onnx took E[x²] − E[x]² in float32, which was zero: the one frame became about 7,500.',
      right: 'With a distance d in one of n values, y = d · (1 − 1/n) / √(d² · (n − 1)/n² + ε), at most √(n − 1).',
      here: 'That value, to 1e-5 of it.',
      async replay(backend) {
        const [floor, one] = float32([-15.94, -15.84]) as [number, number];
        const n = 400;
        const x = Array.from({ length: n }, (_, i) => (i === 77 ? one : floor));
        const { y } = await apply(backend, batchNorm(), x, { shape: [n, 1] });
        const d = one - floor;
        const expected = (d * (1 - 1 / n)) / Math.sqrt((d * d * (n - 1)) / n ** 2 + 1e-5);
        expect(expected).toBeLessThan(Math.sqrt(n - 1));
        expect(y![77]! / expected).toBeCloseTo(1, 5);
      },
    },
    {
      title: 'Values whose squares overflow',
      reports: ['https://github.com/pytorch/pytorch/issues/162489', 'https://github.com/pytorch/pytorch/pull/178123'],
      scenario: 'Values of ±1e30, whose squares float32 does not have.',
      others: 'In PyTorch the variance was infinite: zeros on the CPU, NaN on CUDA.',
      right: '±1, as for ±1e18, whose squares fit.',
      here: '±1 for ±1e18. For ±1e30 it shares the limit: the layer gives zero, and the variance is infinite. A training step refuses them and says why.',
      async replay(backend) {
        const run = (v: number) => apply(backend, batchNorm(), [v, -v, v, -v], { shape: [4, 1] });
        expectNear((await run(1e18)).y, [1, -1, 1, -1], 1e-6);
        const far = await run(1e30);
        expect(far.y!.map(Math.abs)).toEqual([0, 0, 0, 0]);
        expect(far.runningVariance).toEqual([Number.POSITIVE_INFINITY]);
        const trainer = await trainerOf(backend, batchNorm(), [2]);
        const batch = { features: Float32Array.of(1e30, 1, -1e30, 2), labels: Int32Array.of(0, 1) };
        expect(await refusalOf(() => trainer.step(batch, { learningRate: 0.1 }))).toContain(
          'too large to be squared; scale the features',
        );
        await trainer.dispose();
      },
    },
    {
      title: 'The wrong axis',
      reports: [
        'https://github.com/dblN/stochastic_depth_keras/issues/1',
        'https://github.com/sharathadavanne/seld-dcase2021/issues/8',
        'https://github.com/keras-team/keras/issues/13463',
        'https://github.com/chainer/chainer/pull/8497',
      ],
      scenario: 'Images with the channels first, or last.',
      others:
        'Keras normalizes along the last axis by default; with channels first that is the width or the frequency. Chainer reduced the wrong axes for channels last without cuDNN.',
      right: 'A channel has one mean and one variance, over all other axes.',
      here: 'Channels are axis 1 by default; `axis: 3` for channels last gives the same values in the other order.',
      async replay(backend) {
        const [n, c, h, w] = [2, 3, 2, 4];
        const first = wave(n * c * h * w);
        const last = Array.from({ length: first.length }, (_, i) => {
          const [image, place, channel] = [Math.floor(i / (h * w * c)), Math.floor(i / c) % (h * w), i % c];
          return first[(image * c + channel) * h * w + place]!;
        });
        const ofFirst = await apply(backend, batchNorm(), first, { shape: [n, c, h, w] });
        const ofLast = await apply(backend, batchNorm({ axis: 3 }), last, { shape: [n, h, w, c] });
        const channels = byChannel(ofFirst.y!, [n, c, h, w]);
        byChannel(first, [n, c, h, w]).forEach((values, channel) => {
          expectNear(channels[channel], normalized(values), 1e-5);
        });
        expectNear(byChannel(ofLast.y!, [n * h * w, c]).flat(), channels.flat(), 1e-6);
      },
    },
    {
      title: 'The output and the momentum',
      reports: ['https://github.com/microsoft/onnxruntime/issues/29790'],
      scenario: 'The same batch in training with the momentum 0, 0.5 and 1.',
      others: 'ONNX Runtime gave outputs that depend on the momentum, and wrong ones unless it was 1.',
      right:
        'In training the batch is normalized with its own mean and variance. The momentum only moves the running statistics.',
      here: 'The same outputs, bit for bit.',
      async replay(backend) {
        const x = wave(24);
        const outputs = [];
        for (const momentum of [0, 0.5, 1]) {
          const layer = batchNorm({ convention: 'onnx', momentum });
          outputs.push((await apply(backend, layer, x, { shape: [2, 4, 3], values: { runningMean: [5, 5, 5, 5] } })).y);
        }
        expect(outputs[1]).toEqual(outputs[0]);
        expect(outputs[2]).toEqual(outputs[0]);
        const [channel] = byChannel(outputs[0]!, [2, 4, 3]);
        expectNear(channel, normalized(byChannel(x, [2, 4, 3])[0]!), 1e-5);
      },
    },
    {
      title: 'Epsilon outside the root',
      reports: [
        'https://github.com/keras-team/keras/pull/10427',
        'https://github.com/vacancy/Synchronized-BatchNorm-PyTorch/issues/43',
      ],
      scenario: 'A channel with a variance of 1e-4 and ε = 1e-3.',
      others: 'Keras on CNTK divided by √variance + ε; Synchronized-BatchNorm-PyTorch divides by √max(variance, ε).',
      right: 'y = (x − mean) / √(variance + ε): ±0.01 / √0.0011 = ±0.3015. The other two give ±0.909 and ±0.316.',
      here: '±0.3015.',
      async replay(backend) {
        const { y } = await apply(backend, batchNorm({ epsilon: 1e-3 }), [0.01, -0.01], { shape: [2, 1] });
        expectNear(y, [0.01 / Math.sqrt(0.0011), -0.01 / Math.sqrt(0.0011)], 1e-6);
      },
    },
  ],
};
