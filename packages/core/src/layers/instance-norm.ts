// Instance normalization (Ulyanov et al., 2016, "Instance Normalization: The Missing Ingredient for Fast Stylization").

import { requireOptions } from '../options.js';
import type { Layer } from '../scope.js';
import { affineNames } from './affine.js';
import { byExample, type ExampleNormOptions } from './group-norm.js';

/**
 * Instance normalization: `groupNorm` with a group for each channel. As `torch.nn.InstanceNorm2d` with `affine=True`.
 *
 * @throws `shape` if there is one position alone, as in [batch, features]
 */
export function instanceNorm(options: ExampleNormOptions = {}): Layer {
  requireOptions('instanceNorm', options, `epsilon ${affineNames}`);
  return byExample(what, options, (channels) => channels);
}

const what = { layer: 'instanceNorm', alone: 'channel of an example', cure: 'use another normalization there' };
