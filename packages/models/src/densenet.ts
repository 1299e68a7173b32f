// DenseNet (Huang et al., 2016, "Densely Connected Convolutional Networks"; d2l 0.17, §7.7), with PyTorch's names.

import {
  avgPool2d,
  batchNorm,
  defineLayer,
  dense,
  globalAveragePool2d,
  type Layer,
  maxPool2d,
  ops,
  relu,
  requireOptions,
  sequential,
} from '@bn/core';
import { bySize, convolutions, type SmallImageOptions } from './network.js';

export interface DensenetOptions extends SmallImageOptions {
  /** Layers of each dense block; default [6, 12, 24, 16], those of DenseNet-121. The textbook's are [4, 4, 4, 4]. */
  blocks?: readonly number[] | undefined;
  /** Channels that each layer adds; default 32. */
  growth?: number | undefined;
  /** Channels of the first convolution; default 64. */
  width?: number | undefined;
  /** Whether a 1×1 convolution to four times the growth comes before each 3×3 one. Default true; false in the textbook. */
  bottleneck?: boolean | undefined;
}

/**
 * Each layer gets all channels before it: images [batch, channels, height, width] → logits [batch, classes]. Default
 * normalization: batch normalization as in PyTorch. Small images start with a 3×3 convolution instead of 7×7 and pooling.
 */
export function densenet(options: DensenetOptions = {}): Layer {
  requireOptions('densenet', options, 'classes normalization smallImages blocks growth width bottleneck');
  const { classes = 10, normalization = batchNorm, blocks = [6, 12, 24, 16] } = options;
  const { growth = 32, width = 64, bottleneck = true } = options;
  const { normalize, conv } = convolutions(normalization, { convention: 'torch' });

  const narrow = {
    conv1: conv(4 * growth, { kernelSize: 1 }),
    ...normalize('norm2'),
    relu2: relu(),
    conv2: conv(growth),
  };
  const layer = (): Layer => {
    const body = sequential({
      ...{ ...normalize('norm1'), relu1: relu() },
      ...(bottleneck ? narrow : { conv1: conv(growth) }),
    });
    return defineLayer((x, scope) => ops.concat([x, body(x, scope)], 1));
  };
  const stem = bySize(options.smallImages, (isSmall) =>
    sequential({
      ...{
        conv0: isSmall ? conv(width) : conv(width, { kernelSize: 7, stride: 2 }),
        ...normalize('norm0'),
        relu0: relu(),
      },
      ...(!isSmall && { pool0: maxPool2d(3, { stride: 2, padding: 1 }) }),
    }),
  );
  const features: Record<string, Layer> = {};
  let channels = width;
  for (const [i, count] of blocks.entries()) {
    const layers = Array.from({ length: count }, (_, at) => [`denselayer${at + 1}`, layer()] as const);
    features[`denseblock${i + 1}`] = sequential(Object.fromEntries(layers));
    channels += count * growth;
    if (i === blocks.length - 1) break;
    channels = Math.floor(channels / 2);
    features[`transition${i + 1}`] = sequential({
      ...{ ...normalize('norm'), relu: relu(), conv: conv(channels, { kernelSize: 1 }), pool: avgPool2d(2) },
    });
  }
  const rest = sequential({ ...features, ...normalize('norm5'), relu5: relu() });
  return sequential({
    features: (x, scope) => rest(stem(x, scope), scope),
    ...{ pool: globalAveragePool2d(), classifier: dense(classes) },
  });
}

export const densenet121 = (options: DensenetOptions = {}): Layer => densenet({ blocks: [6, 12, 24, 16], ...options });
