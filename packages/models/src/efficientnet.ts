// EfficientNet (Tan and Le, 2019, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks"), with PyTorch's names.

import {
  batchNorm,
  dense,
  dropout,
  globalAveragePool2d,
  type Layer,
  requireOptions,
  sequential,
  sigmoid,
  silu,
} from '@bn/core';
import { invertedResidual } from './inverted-residual.js';
import { bySize, convolutions, multipleOfEight, type SmallImageOptions } from './network.js';

export interface EfficientnetOptions extends SmallImageOptions {
  /** Multiplier of all channels; default 1, that of B0. */
  width?: number | undefined;
  /** Multiplier of the blocks of each stage; default 1, that of B0. */
  depth?: number | undefined;
  /** Share of features that training drops before the last layer; default 0.2. */
  dropout?: number | undefined;
  /** Share of the examples for which training leaves out the last block, and less of those before; default 0.2. */
  stochasticDepth?: number | undefined;
}

/** Expansion, kernel, first stride, channels and blocks of each stage (table 1). */
const stages = [
  [1, 3, 1, 16, 1],
  [6, 3, 2, 24, 2],
  [6, 5, 2, 40, 2],
  [6, 3, 2, 80, 3],
  [6, 5, 1, 112, 3],
  [6, 5, 2, 192, 4],
  [6, 3, 1, 320, 1],
] as const;

/**
 * Images [batch, channels, height, width] → logits [batch, classes]. Default normalization: batch normalization as in
 * PyTorch. The first convolution halves large images.
 */
export function efficientnet(options: EfficientnetOptions = {}): Layer {
  requireOptions('efficientnet', options, 'classes normalization smallImages width depth dropout stochasticDepth');
  const { classes = 10, normalization = batchNorm, width = 1, depth = 1 } = options;
  const { dropout: rate = 0.2, stochasticDepth = 0.2 } = options;
  const parts = convolutions(normalization, { convention: 'torch' });
  const first = multipleOfEight(32 * width);
  const counts = stages.map(([, , , , count]) => Math.ceil(count * depth));
  const total = counts.reduce((a, b) => a + b, 0);
  let [channels, before] = [first, 0];
  const blocks = stages.map(([expansion, kernelSize, firstStride, filters], stage) => {
    const outputs = multipleOfEight(filters * width);
    const layers = Array.from({ length: counts[stage]! }, (_, i) => {
      const inputs = i === 0 ? channels : outputs;
      return invertedResidual(parts, {
        ...{ inputs, hidden: multipleOfEight(inputs * expansion), outputs, kernelSize },
        ...{ stride: i === 0 ? firstStride : 1, activation: silu(), dropRate: (stochasticDepth * before++) / total },
        squeeze: { channels: Math.max(1, Math.floor(inputs / 4)), activation: silu(), scale: sigmoid() },
      });
    });
    channels = outputs;
    return sequential(layers);
  });
  return sequential({
    features: sequential([
      bySize(options.smallImages, (isSmall) => parts.unit(first, { stride: isSmall ? 1 : 2 }, silu())),
      ...blocks,
      parts.unit(4 * channels, { kernelSize: 1 }, silu()),
    ]),
    pool: globalAveragePool2d(),
    classifier: sequential([dropout(rate), dense(classes)]),
  });
}
