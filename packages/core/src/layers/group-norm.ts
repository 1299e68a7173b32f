// Group normalization (Wu and He, 2018, "Group Normalization").

import { BnError } from '../errors.js';
import { reshape } from '../ops/shape.js';
import { requireOptions } from '../options.js';
import { defineLayer, type Layer } from '../scope.js';
import { sizeOf, staticShape } from '../spec.js';
import { site } from '../tensor.js';
import { type AffineOptions, affine, affineNames, affineOf, channelsOf } from './affine.js';
import { moments, standardize } from './moments.js';

export interface ExampleNormOptions extends AffineOptions {
  /** Added to the variance; default 1e-5. */
  epsilon?: number | undefined;
}

export interface GroupNormOptions extends ExampleNormOptions {
  /** Groups of the channels; default the most, up to 32, that divide them into two channels or more each. */
  groups?: number | undefined;
}

/**
 * Group normalization: y = gamma · (x − mean) / √(variance + epsilon) + beta, with the mean and the population variance of
 * each example's group of channels, over all positions. [batch, channels, …] of any shape after the channels.
 *
 * There are no running statistics: training and prediction do the same, whatever the batch. Parameters `gamma` and `beta`
 * [channels]. As `torch.nn.GroupNorm`.
 *
 * @throws `shape` if the groups do not divide the channels, or a group is one value
 */
export function groupNorm(options: GroupNormOptions = {}): Layer {
  requireOptions('groupNorm', options, `groups epsilon ${affineNames}`);
  return byExample(what, options, (channels) => options.groups ?? usualGroups(channels));
}

const what = { layer: 'groupNorm', alone: 'group', cure: 'use fewer groups, or another normalization there' };

/** A normalization by groups of channels; `what` is that of `moments`. */
export function byExample(
  what: Parameters<typeof moments>[2],
  options: ExampleNormOptions,
  groupsOf: (channels: number) => number,
): Layer {
  const { epsilon = 1e-5 } = options;
  const { layer: name } = what;
  return defineLayer((x, scope) => {
    const { channels } = channelsOf(name, x);
    const groups = groupsOf(channels);
    if (!Number.isInteger(groups) || groups < 1 || channels % groups !== 0) {
      throw new BnError('shape', `${scope.path || name}: ${channels} channels do not divide into ${groups} groups`);
    }
    const size = sizeOf(staticShape(x.shape.slice(1), site(name))) / groups;
    const grouped = reshape(x, [x.shape[0]!, groups, size]);
    const normalized = standardize(grouped, moments(grouped, [2], what), epsilon);
    return affine(reshape(normalized, x.shape), affineOf(scope, channels, options));
  });
}

function usualGroups(channels: number): number {
  let groups = Math.min(32, Math.max(1, Math.floor(channels / 2)));
  while (channels % groups !== 0) groups--;
  return groups;
}
