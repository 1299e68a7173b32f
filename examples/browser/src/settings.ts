// What is trained, and how: the reference task of Dive into Deep Learning (0.17, section 7.5).

import { batchNorm, defineModel, type Loss, type Model, type Optimizer, sgd, softmaxCrossEntropy } from '@bn/core';
import { lenet } from '@bn/models';

export const model: Model = defineModel(lenet({ normalization: () => batchNorm() }), {
  input: { shape: [null, 1, 28, 28], dtype: 'float32' },
});

export const training: { loss: Loss; optimizer: Optimizer; seed: number } = {
  loss: softmaxCrossEntropy(),
  optimizer: sgd(),
  seed: 0,
};

export const fitting = { batchSize: 256, learningRate: 1 };
