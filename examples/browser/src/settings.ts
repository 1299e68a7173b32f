// What is trained, and how: the reference task of Dive into Deep Learning (0.17, section 7.5).

import { batchNorm, classification, defineModel, type Model, type Objective, type Optimizer, sgd } from '@bn/core';
import { lenet } from '@bn/models';

export const model: Model = defineModel(lenet({ normalization: () => batchNorm() }), {
  input: { shape: [null, 1, 28, 28], dtype: 'float32' },
});

export const training: { objective: Objective; optimizer: Optimizer; seed: number } = {
  objective: classification(),
  optimizer: sgd(),
  seed: 0,
};

export const fitting = { batchSize: 256, learningRate: 1 };
