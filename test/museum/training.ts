// Batch normalization in the course of a training: parts of batches, several processes, averages, weight decay.

import { batchNorm, type Dataset, dense, sequential, sgd, swa } from '@bn/core';
import { expect } from 'vitest';
import { partiesOf } from '../../packages/core/test/parties.js';
import { expectNear, type Hall, momentsOf, trainerOf, wave } from './museum.js';

const learning = { learningRate: 0.1 };
const labelsOf = (length: number) => Int32Array.from({ length }, (_, i) => i % 2);

export const training: Hall = {
  title: 'In the course of a training',
  about: 'A batch may be computed in parts, by several processes, or with weights that are averages.',
  exhibits: [
    {
      title: 'A batch in parts',
      reports: [
        'https://github.com/pytorch/pytorch/issues/46516',
        'https://github.com/vlfeat/matconvnet/issues/405',
        'https://github.com/giotto-ai/giotto-deep/issues/75',
        'https://github.com/run-ai/runai/issues/14',
        'https://github.com/andreped/GradientAccumulator/issues/6',
      ],
      scenario: 'A batch of 20 is too large for the memory and is computed in parts of 12 and 8, or of 5.',
      others:
        'Gradients are accumulated, but each part is normalized by its own mean and variance: "that is unavoidable unfortunately".',
      right:
        'The statistics of the whole batch: running mean 0.1 · mean, running variance 0.9 + 0.1 · variance of all 20; and the step of the whole batch.',
      here: 'With `microBatch`, these statistics and the weights of the whole batch, to 1e-6.',
      async replay(backend) {
        const features = Float32Array.from(wave(20), (v, i) => v + i / 4);
        const run = async (microBatch?: number) => {
          const trainer = await trainerOf(backend, sequential({ bn: batchNorm(), out: dense(2) }), [1], { microBatch });
          await trainer.step({ features, labels: labelsOf(20) }, learning);
          const values = await trainer.values();
          await trainer.dispose();
          return values;
        };
        const whole = await run();
        const { mean, variance } = momentsOf(features);
        for (const microBatch of [12, 5]) {
          const parts = await run(microBatch);
          expectNear(parts.get('bn.runningMean')!.data, [0.1 * mean], 1e-6);
          expectNear(parts.get('bn.runningVariance')!.data, [0.9 + 0.1 * variance], 1e-6);
          for (const [path, { data }] of whole) expectNear(parts.get(path)!.data, data, 1e-6);
        }
      },
    },
    {
      title: 'Processes with shares of different sizes',
      reports: ['https://github.com/pytorch/pytorch/issues/22192', 'https://github.com/NVIDIA/apex/issues/387'],
      scenario: 'Two processes train together on a batch of 7: one has 4 examples, the other 3.',
      others:
        'With synchronized batch normalization the running variance was another in each process: each corrected by its own count.',
      right: 'One batch of 7: running variance 0.9 + 0.1 · variance · 7/6 by the convention of PyTorch, in both.',
      here: 'That in both, to 1e-6, and the same bits in both.',
      async replay(backend) {
        const features = Float32Array.from(wave(7), (v, i) => v + i);
        const network = () => sequential({ bn: batchNorm({ convention: 'torch' }), out: dense(2) });
        const processes = partiesOf(2).map(async (party) => {
          const trainer = await trainerOf(backend, network(), [1], { party });
          await trainer.step({ features, labels: labelsOf(7) }, learning);
          const values = await trainer.values();
          await trainer.dispose();
          return values;
        });
        const [first, second] = await Promise.all(processes);
        const { mean, variance } = momentsOf(features);
        expectNear(first!.get('bn.runningMean')!.data, [0.1 * mean], 1e-6);
        expectNear(first!.get('bn.runningVariance')!.data, [0.9 + (0.1 * variance * 7) / 6], 1e-6);
        expect(second).toEqual(first);
      },
    },
    {
      title: 'Statistics of averaged weights',
      reports: [
        'https://github.com/mosaicml/composer/issues/624',
        'https://github.com/timgaripov/swa/issues/7',
        'https://github.com/kristpapadopoulos/keras-stochastic-weight-averaging/issues/4',
      ],
      scenario: 'Stochastic weight averaging of a network with batch normalization.',
      others:
        'Running statistics belong to weights that were trained with; those of the average were not recomputed, with very poor results.',
      right: 'Mean and variance of what the layer before gives for the whole data, computed with the averaged weights.',
      here: '`average: swa()` recomputes them: mean and variance to 1e-5 of float64.',
      async replay(backend) {
        const points = wave(48);
        const train: Dataset = {
          length: 24,
          features: { shape: [2], dtype: 'float32' },
          get: (i) => ({ features: points.slice(2 * i, 2 * i + 2), label: i % 2 }),
        };
        const network = sequential({ hidden: dense(1), bn: batchNorm(), out: dense(2) });
        const trainer = await trainerOf(backend, network, [2], { average: swa({ start: 0 }) });
        for await (const _ of trainer.fit({ train, test: train, epochs: 2, batchSize: 8, learningRate: 0.5 }));
        const values = await trainer.values();
        const { data: weight } = values.get('hidden.weight')!;
        const { data: bias } = values.get('hidden.bias')!;
        const hidden = Array.from(
          { length: 24 },
          (_, i) => weight[0]! * points[2 * i]! + weight[1]! * points[2 * i + 1]! + bias[0]!,
        );
        const { mean, variance } = momentsOf(hidden);
        expectNear(values.get('bn.runningMean')!.data, [mean], 1e-5);
        expectNear(values.get('bn.runningVariance')!.data, [variance], 1e-5);
        await trainer.dispose();
      },
    },
    {
      title: 'Weight decay and gamma',
      reports: [
        'https://github.com/torch/torch7/issues/846',
        'https://github.com/ultralytics/yolov5/issues/4104',
        'https://github.com/autrainer/autrainer/pull/166',
        'https://github.com/LBANN/lbann/issues/809',
      ],
      scenario: 'Gradient descent with a weight decay of 0.5.',
      others: 'Torch also decays γ and β; recipes such as YOLOv5 sort the parameters by hand so that it does not.',
      right: 'A weight moves by −lr · (gradient + 0.5 · weight). γ and β are to move by −lr · gradient alone.',
      here: 'γ and β move as without decay, bit for bit, and weights by 0.05 · weight more. `decayAll: true` decays all.',
      async replay(backend) {
        const batch = { features: Float32Array.from(wave(12)), labels: labelsOf(6) };
        const run = async (options: Parameters<typeof sgd>[0]) => {
          const network = sequential({ bn: batchNorm(), out: dense(2) });
          const trainer = await trainerOf(backend, network, [2], { optimizer: sgd(options) });
          const before = await trainer.values();
          await trainer.step(batch, learning);
          const after = await trainer.values();
          await trainer.dispose();
          return { before, after };
        };
        const [plain, decayed, all] = [
          await run({}),
          await run({ weightDecay: 0.5 }),
          await run({ weightDecay: 0.5, decayAll: true }),
        ];
        for (const path of ['bn.gamma', 'bn.beta', 'out.bias']) {
          expect(decayed.after.get(path)).toEqual(plain.after.get(path));
        }
        for (const [{ after }, path] of [
          [decayed, 'out.weight'],
          [all, 'out.weight'],
          [all, 'bn.gamma'],
        ] as const) {
          const expected = plain.after.get(path)!.data.map((v, i) => v - 0.05 * plain.before.get(path)!.data[i]!);
          expectNear(after.get(path)!.data, expected, 1e-6);
        }
      },
    },
    {
      title: 'A last batch of one',
      reports: [
        'https://github.com/fastai/fastai/issues/1352',
        'https://github.com/meetps/pytorch-semseg/issues/214',
        'https://github.com/pytorch/pytorch/issues/4534',
      ],
      scenario: 'Nine examples in batches of four: the last batch has one.',
      others:
        'PyTorch ends the training at the end of the first epoch, unless the data loader was told to drop the last batch.',
      right: 'One value has no variance to normalize by. The other batches can be trained on.',
      here: 'A warning at the start says that the last batch is left out, and why; two steps an epoch are trained.',
      async replay(backend) {
        const train: Dataset = {
          length: 9,
          features: { shape: [2], dtype: 'float32' },
          get: (i) => ({ features: [i, i * i], label: i % 2 }),
        };
        const trainer = await trainerOf(backend, sequential({ bn: batchNorm(), out: dense(2) }), [2]);
        const warnings: string[] = [];
        let steps = 0;
        for await (const event of trainer.fit({ train, epochs: 1, batchSize: 4, learningRate: 0.01 })) {
          if (event.type === 'warning') warnings.push(event.message);
          if (event.type === 'step') steps++;
        }
        expect(warnings).toEqual([
          expect.stringMatching(/^the last batch of an epoch is one example, and left out: .*one value per channel/),
        ]);
        expect(steps).toBe(2);
        await trainer.dispose();
      },
    },
  ],
};
