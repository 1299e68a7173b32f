// AlexNet (Krizhevsky et al., 2012, "ImageNet Classification with Deep Convolutional Neural Networks"; d2l 0.17, §7.1), in the
// form for one processor (Krizhevsky, 2014), with PyTorch's names.

import {
  conv2d,
  dense,
  dropout,
  flatten,
  heNormal,
  type Layer,
  maxPool2d,
  relu,
  requireOptions,
  sequential,
} from '@bn/core';
import { bySize, convolutions, type SmallImageOptions } from './network.js';

export interface AlexnetOptions extends SmallImageOptions {
  /** Of the five convolutions; default [64, 192, 384, 256, 256], PyTorch's. The textbook's are [96, 256, 384, 384, 256]. */
  channels?: readonly [number, number, number, number, number] | undefined;
  /** Units of the two hidden dense layers; default 4096, for small images 512. */
  hidden?: number | undefined;
  /** Share of units that training drops before the hidden layers; default 0.5. */
  dropout?: number | undefined;
}

/**
 * Images [batch, channels, height, width] → logits [batch, classes]. Default normalization: none. Small images start with a
 * 3×3 convolution instead of an 11×11 one with stride 4. PyTorch's weights are for images of 224×224.
 */
export function alexnet(options: AlexnetOptions = {}): Layer {
  requireOptions('alexnet', options, 'classes normalization smallImages channels hidden dropout');
  const { classes = 10, normalization = null, channels = [64, 192, 384, 256, 256], dropout: rate = 0.5 } = options;
  const { normalize, list } = convolutions(normalization, { convention: 'torch' });
  const pool = () => maxPool2d(3, { stride: 2 });
  const make = (isSmall: boolean): Layer => {
    const { hidden = isSmall ? 512 : 4096 } = options;
    const geometry = { kernelSize: 11, stride: 4, padding: 2, bias: normalization === null };
    const large = [
      conv2d(channels[0], { ...geometry, weightInitializer: heNormal() }),
      ...Object.values(normalize('norm')),
      relu(),
    ];
    const units = () => [dropout(rate), dense(hidden, { weightInitializer: heNormal() }), relu()];
    return sequential({
      features: sequential([
        ...(isSmall ? list(channels[0], {}, relu()) : large),
        ...[pool(), ...list(channels[1], { kernelSize: 5 }, relu()), pool()],
        ...channels.slice(2).flatMap((filters) => list(filters, {}, relu())),
        pool(),
      ]),
      flatten: flatten(),
      classifier: sequential([...units(), ...units(), dense(classes)]),
    });
  };
  return bySize(options.smallImages, make);
}
