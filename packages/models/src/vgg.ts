// VGG (Simonyan and Zisserman, 2014, "Very Deep Convolutional Networks for Large-Scale Image Recognition"; d2l 0.17, §7.2),
// with PyTorch's names.

import { dense, dropout, flatten, heNormal, type Layer, maxPool2d, relu, requireOptions, sequential } from '@bn/core';
import { bySize, convolutions, type SmallImageOptions } from './network.js';

export interface VggOptions extends SmallImageOptions {
  /** 3×3 convolutions of each stage; default [1, 1, 2, 2, 2], those of VGG-11. A stage ends by halving the image. */
  convolutions?: readonly number[] | undefined;
  /** Channels of the first stage, which double three times; default 64. */
  width?: number | undefined;
  /** Units of the two hidden dense layers; default 4096, for small images 512. */
  hidden?: number | undefined;
  /** Share of hidden units that training drops; default 0.5. */
  dropout?: number | undefined;
}

/**
 * Images [batch, channels, height, width] → logits [batch, classes]. Default normalization: none. For small images the first
 * stage does not halve. PyTorch's weights are for images of 224×224.
 */
export function vgg(options: VggOptions = {}): Layer {
  requireOptions('vgg', options, 'classes normalization smallImages convolutions width hidden dropout');
  const { classes = 10, normalization = null, width = 64, dropout: rate = 0.5 } = options;
  const { list } = convolutions(normalization, { convention: 'torch' }, true); // as in PyTorch, whose weights have them
  const make = (isSmall: boolean): Layer => {
    const { convolutions: counts = [1, 1, 2, 2, 2], hidden = isSmall ? 512 : 4096 } = options;
    const stage = (count: number, i: number) => [
      ...Array.from({ length: count }, () => list(width * 2 ** Math.min(i, 3), {}, relu())).flat(),
      ...(isSmall && i === 0 ? [] : [maxPool2d(2)]),
    ];
    const units = () => [dense(hidden, { weightInitializer: heNormal() }), relu(), dropout(rate)];
    return sequential({
      features: sequential(counts.flatMap(stage)),
      flatten: flatten(),
      classifier: sequential([...units(), ...units(), dense(classes)]),
    });
  };
  return bySize(options.smallImages, make);
}

export const vgg11 = (options: VggOptions = {}): Layer => vgg({ convolutions: [1, 1, 2, 2, 2], ...options });
export const vgg16 = (options: VggOptions = {}): Layer => vgg({ convolutions: [2, 2, 3, 3, 3], ...options });
