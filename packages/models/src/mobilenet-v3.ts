// MobileNet V3 (Howard et al., 2019, "Searching for MobileNetV3"), with PyTorch's names.

import {
  batchNorm,
  dense,
  dropout,
  globalAveragePool2d,
  hardSigmoid,
  hardSwish,
  type Layer,
  relu,
  requireOptions,
  sequential,
} from '@bn/core';
import { invertedResidual } from './inverted-residual.js';
import { bySize, convolutions, multipleOfEight, type SmallImageOptions } from './network.js';

export interface MobilenetV3Options extends SmallImageOptions {
  /** Multiplier of all channels; default 1. */
  width?: number | undefined;
  /** Share of features that training drops before the last layer; default 0.2. */
  dropout?: number | undefined;
}

/** Kernel, hidden channels, outputs, squeeze and excitation, hard swish or ReLU, stride (tables 1 and 2). */
type Block = readonly [number, number, number, boolean, 'HS' | 'RE', number];

const large: readonly Block[] = [
  [3, 16, 16, false, 'RE', 1],
  [3, 64, 24, false, 'RE', 2],
  [3, 72, 24, false, 'RE', 1],
  [5, 72, 40, true, 'RE', 2],
  [5, 120, 40, true, 'RE', 1],
  [5, 120, 40, true, 'RE', 1],
  [3, 240, 80, false, 'HS', 2],
  [3, 200, 80, false, 'HS', 1],
  [3, 184, 80, false, 'HS', 1],
  [3, 184, 80, false, 'HS', 1],
  [3, 480, 112, true, 'HS', 1],
  [3, 672, 112, true, 'HS', 1],
  [5, 672, 160, true, 'HS', 2],
  [5, 960, 160, true, 'HS', 1],
  [5, 960, 160, true, 'HS', 1],
];

const small: readonly Block[] = [
  [3, 16, 16, true, 'RE', 2],
  [3, 72, 24, false, 'RE', 2],
  [3, 88, 24, false, 'RE', 1],
  [5, 96, 40, true, 'HS', 2],
  [5, 240, 40, true, 'HS', 1],
  [5, 240, 40, true, 'HS', 1],
  [5, 120, 48, true, 'HS', 1],
  [5, 144, 48, true, 'HS', 1],
  [5, 288, 96, true, 'HS', 2],
  [5, 576, 96, true, 'HS', 1],
  [5, 576, 96, true, 'HS', 1],
];

/** Images [batch, channels, height, width] → logits [batch, classes]. The first convolution halves large images. */
export const mobilenetV3Large = (options: MobilenetV3Options = {}): Layer =>
  mobilenetV3('mobilenetV3Large', large, 1280, options);

/** The smaller one, for the same images. */
export const mobilenetV3Small = (options: MobilenetV3Options = {}): Layer =>
  mobilenetV3('mobilenetV3Small', small, 1024, options);

function mobilenetV3(name: string, blocks: readonly Block[], features: number, options: MobilenetV3Options): Layer {
  requireOptions(name, options, 'classes normalization smallImages width dropout');
  const { classes = 10, normalization = batchNorm, width = 1, dropout: rate = 0.2 } = options;
  const parts = convolutions(normalization, { convention: 'torch', epsilon: 1e-3, momentum: 0.01 });
  const channels = (count: number) => multipleOfEight(count * width);
  const outputsOf = (i: number) => channels(i < 0 ? 16 : blocks[i]![2]);
  const last = 6 * outputsOf(blocks.length - 1);
  return sequential({
    features: sequential([
      bySize(options.smallImages, (isSmall) => parts.unit(channels(16), { stride: isSmall ? 1 : 2 }, hardSwish())),
      ...blocks.map(([kernelSize, expanded, , squeezes, activation, stride], i) => {
        const hidden = channels(expanded);
        const squeeze = { channels: multipleOfEight(Math.floor(hidden / 4)), activation: relu(), scale: hardSigmoid() };
        return invertedResidual(parts, {
          ...{ inputs: outputsOf(i - 1), hidden, outputs: outputsOf(i), kernelSize, stride },
          activation: activation === 'HS' ? hardSwish() : relu(),
          squeeze: squeezes ? squeeze : null,
        });
      }),
      parts.unit(last, { kernelSize: 1 }, hardSwish()),
    ]),
    pool: globalAveragePool2d(),
    classifier: sequential([dense(channels(features)), hardSwish(), dropout(rate), dense(classes)]),
  });
}
