// Network in network (Lin et al., 2013, "Network In Network"; d2l 0.17, §7.3).

import { dropout, globalAveragePool2d, type Layer, maxPool2d, relu, requireOptions, sequential } from '@bn/core';
import { bySize, convolutions, type SmallImageOptions } from './network.js';

export interface NinOptions extends SmallImageOptions {
  /** Share of values that training drops before the last block; default 0.5. */
  dropout?: number | undefined;
}

/**
 * Blocks of a convolution and two 1×1 convolutions; the last has a channel for each class, whose mean is the logit: images
 * [batch, channels, height, width] → [batch, classes]. Default normalization: none.
 */
export function nin(options: NinOptions = {}): Layer {
  requireOptions('nin', options, 'classes normalization smallImages dropout');
  const { classes = 10, normalization = null, dropout: rate = 0.5 } = options;
  const { list } = convolutions(normalization, { convention: 'torch' });
  const point = (filters: number) => list(filters, { kernelSize: 1 }, relu());
  const block = (filters: number, kernelSize: number, stride = 1) =>
    sequential([...list(filters, { kernelSize, stride }, relu()), ...point(filters), ...point(filters)]);
  const pool = () => maxPool2d(3, { stride: 2 });
  return sequential({
    block1: bySize(options.smallImages, (isSmall) => (isSmall ? block(96, 5) : block(96, 11, 4))),
    ...{ pool1: pool(), block2: block(256, 5), pool2: pool(), block3: block(384, 3), pool3: pool() },
    ...{ dropout: dropout(rate), block4: block(classes, 3), pool4: globalAveragePool2d() },
  });
}
