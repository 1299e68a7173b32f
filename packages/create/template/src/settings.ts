// The network, and how it is trained.

import {
  adam,
  classification,
  colorJitter,
  type Layer,
  type Objective,
  type Optimizer,
  randomAffine,
  sequential,
} from '@bn/core';
import { resnet10 } from '@bn/models';

/** Height and width of the images that the network sees. */
export const side = 64;

/** In training, each image is moved a little and changes its light, so that few examples do for many. */
export const network = (classes: number): Layer =>
  sequential({
    move: randomAffine({ rotate: 10, shift: 0.1, scale: 0.1, flip: true }),
    light: colorJitter({ brightness: 0.2, contrast: 0.2 }),
    network: resnet10({ classes }),
  });

export const training: { objective: Objective; optimizer: Optimizer; seed: number } = {
  objective: classification(),
  optimizer: adam(),
  seed: 0,
};

export const fitting = { batchSize: 16, epochs: 20, learningRate: 0.002 };
