// Pictures in other light.

import { add, maximum, minimum, mul } from '../ops/elementwise.js';
import { mean } from '../ops/reduction.js';
import { slice } from '../ops/shape.js';
import { requireBelow, requireOptions } from '../options.js';
import type { Layer } from '../scope.js';
import type { Tensor } from '../tensor.js';
import { augmentation, mix } from './picture.js';

export interface ColorJitterOptions {
  /** Values are multiplied by a factor from 1 − brightness to 1 + brightness. Default 0. */
  brightness?: number | undefined;
  /** Differences from the picture's mean grey, likewise. Default 0. */
  contrast?: number | undefined;
  /** Differences of the colours from the pixel's grey, likewise; pictures in grey have none. Default 0. */
  saturation?: number | undefined;
}

/** In training changes brightness, contrast and saturation of each picture, whose values are from 0 to 1; in prediction nothing. */
export function colorJitter(options: ColorJitterOptions = {}): Layer {
  requireOptions('colorJitter', options, 'brightness contrast saturation');
  const { brightness = 0, contrast = 0, saturation = 0 } = options;
  for (const [name, value] of Object.entries({ brightness, contrast, saturation })) {
    requireBelow(`colorJitter: ${name}`, value, 1);
  }
  return augmentation('colorJitter', 3, (x, { around0 }, [, channels]) => {
    const factor = (most: number) => add(1, around0(most));
    const lit = within0to1(mul(x, factor(brightness)));
    const contrasted = within0to1(
      mix(mean(greyOf(lit, channels), [1, 2, 3], { keepDims: true }), lit, factor(contrast)),
    );
    if (channels !== 3) return contrasted;
    return within0to1(mix(greyOf(contrasted, channels), contrasted, factor(saturation)));
  });
}

/** Rec. 601, as where pictures in colour are read as grey. */
function greyOf(x: Tensor, channels: number): Tensor {
  if (channels !== 3) return x;
  const [red, green, blue] = [0, 1, 2].map((channel) =>
    slice(x, [0, channel, 0, 0], [x.shape[0]!, channel + 1, x.shape[2]!, x.shape[3]!]),
  ) as [Tensor, Tensor, Tensor];
  return add(add(mul(red, 0.299), mul(green, 0.587)), mul(blue, 0.114));
}

function within0to1(x: Tensor): Tensor {
  return minimum(maximum(x, 0), 1);
}
