// MobileNet V2 (Sandler et al., 2018, "MobileNetV2: Inverted Residuals and Linear Bottlenecks"), with PyTorch's names.

import {
  batchNorm,
  dense,
  dropout,
  globalAveragePool2d,
  type Layer,
  relu6,
  requireOptions,
  sequential,
} from '@bn/core';
import { plusInput } from './inverted-residual.js';
import { bySize, convolutions, multipleOfEight, type SmallImageOptions } from './network.js';

export interface MobilenetV2Options extends SmallImageOptions {
  /** Multiplier of all channels; default 1. */
  width?: number | undefined;
  /** Share of features that training drops before the last layer; default 0.2. */
  dropout?: number | undefined;
}

/** Expansion, channels, blocks and first stride of each stage (table 2). */
const stages = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;

/**
 * Images [batch, channels, height, width] → logits [batch, classes]. Default normalization: batch normalization as in
 * PyTorch. The first convolution halves large images.
 */
export function mobilenetV2(options: MobilenetV2Options = {}): Layer {
  requireOptions('mobilenetV2', options, 'classes normalization smallImages width dropout');
  const { classes = 10, normalization = batchNorm, width = 1, dropout: rate = 0.2 } = options;
  const { list, unit } = convolutions(normalization, { convention: 'torch' });
  let channels = multipleOfEight(32 * width);
  const first = channels;
  const blocks = stages.flatMap(([expansion, filters, count, firstStride]) =>
    Array.from({ length: count }, (_, i) => {
      const [inputs, hidden, stride] = [channels, expansion * channels, i === 0 ? firstStride : 1];
      channels = multipleOfEight(filters * width);
      const conv = sequential([
        ...(expansion === 1 ? [] : [unit(hidden, { kernelSize: 1 }, relu6())]),
        unit(hidden, { stride, groups: hidden }, relu6()),
        ...list(channels, { kernelSize: 1 }),
      ]);
      return plusInput('conv', conv, stride === 1 && inputs === channels);
    }),
  );
  return sequential({
    features: sequential([
      bySize(options.smallImages, (isSmall) => unit(first, { stride: isSmall ? 1 : 2 }, relu6())),
      ...blocks,
      unit(multipleOfEight(1280 * Math.max(1, width)), { kernelSize: 1 }, relu6()),
    ]),
    pool: globalAveragePool2d(),
    classifier: sequential([dropout(rate), dense(classes)]),
  });
}
