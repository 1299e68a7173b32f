// Logits and a training step of each network beside torchvision's.

import { type BatchNormOptions, batchNorm, type Layer } from '@bn/core';
import { expect, test } from 'vitest';
import {
  alexnet,
  efficientnet,
  googlenet,
  mobilenetV2,
  mobilenetV3Large,
  mobilenetV3Small,
  type NetworkOptions,
  normalizedNetworks,
  plainNetworks,
  vgg11,
  vgg16,
} from '../src/index.js';
import { compareChanges, compareLogits, compareLoss, goldenNetworks, goldenSteps } from './torchvision.js';

const normalization = (own: BatchNormOptions) => batchNorm(own);
/** Without what is random. */
const build: Readonly<Record<string, (options: NetworkOptions) => Layer>> = {
  ...{ ...plainNetworks, ...normalizedNetworks },
  alexnet: (options) => alexnet({ ...options, dropout: 0 }),
  vgg11: (options) => vgg11({ ...options, dropout: 0 }),
  vgg11_bn: (options) => vgg11({ ...options, dropout: 0, normalization }),
  vgg16: (options) => vgg16({ ...options, dropout: 0 }),
  googlenet: (options) => googlenet({ ...options, dropout: 0, normalization, largeKernel: 3 }),
  mobilenet_v2: (options) => mobilenetV2({ ...options, dropout: 0 }),
  mobilenet_v3_small: (options) => mobilenetV3Small({ ...options, dropout: 0 }),
  mobilenet_v3_large: (options) => mobilenetV3Large({ ...options, dropout: 0 }),
  efficientnet_b0: (options) => efficientnet({ ...options, dropout: 0, stochasticDepth: 0 }),
};

/** Prints what was found, for those who ask. */
const show = (found: object) => process.env.BN_SHOW && console.log(JSON.stringify(found));

test.each(goldenNetworks)(
  '%s has the logits and the loss of torchvision',
  async (name) => {
    const [logits, loss] = [await compareLogits(name, build[name]!), await compareLoss(name, build[name]!)];
    show({ name, logits, loss });
    expect(logits).toBeLessThan(1e-5);
    // The last layers normalize a handful of values each, which magnifies rounding.
    expect(loss).toBeLessThan(1e-4);
  },
  120_000,
);

test.each(goldenSteps)(
  '%s learns in a step what torchvision does',
  async (network) => {
    const { name, apart } = await compareChanges(network, build[network]!);
    show({ network, name, apart });
    expect(apart, name).toBeLessThan(1e-5);
  },
  600_000,
);
