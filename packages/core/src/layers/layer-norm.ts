// Layer normalization (Ba et al., 2016, "Layer Normalization").

import { requireOptions } from '../options.js';
import type { Layer } from '../scope.js';
import { affineNames } from './affine.js';
import { byExample, type ExampleNormOptions } from './group-norm.js';

/**
 * Layer normalization: `groupNorm` with one group, the whole example. On [batch, features] it is `torch.nn.LayerNorm`; images
 * have a gamma and a beta for each channel, not for each value.
 */
export function layerNorm(options: ExampleNormOptions = {}): Layer {
  requireOptions('layerNorm', options, `epsilon ${affineNames}`);
  return byExample(what, options, () => 1);
}

const what = { layer: 'layerNorm', alone: 'example', cure: 'use another normalization there' };
