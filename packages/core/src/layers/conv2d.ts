// The convolution layer.

import { BnError } from '../errors.js';
import { xavierUniform, zeros } from '../initializers.js';
import { conv2d as convolve, requireImage } from '../ops/convolution.js';
import { add } from '../ops/elementwise.js';
import { reshape } from '../ops/shape.js';
import { requireCount, requireOptions } from '../options.js';
import { defineLayer, type Layer } from '../scope.js';
import type { DenseOptions } from './dense.js';
import { type Padding2d, paddingOf, pair, type Size2d } from './window.js';

export interface Conv2dOptions extends DenseOptions {
  kernelSize: Size2d;
  /** Default 1. */
  stride?: Size2d | undefined;
  /** Default 0. */
  padding?: Padding2d | undefined;
  /** Default 1. */
  dilation?: Size2d | undefined;
  /** Default 1; `groups` = input channels makes a depthwise convolution. */
  groups?: number | undefined;
}

/**
 * Convolution of images [batch, in, height, width] to [batch, filters, …]. Parameters: `weight`
 * [filters, in / groups, kernelHeight, kernelWidth] and `bias` [filters].
 *
 * @throws `shape` if the input has not four axes, the kernel does not fit, or groups do not divide the channels.
 */
export function conv2d(filters: number, options: Conv2dOptions): Layer {
  requireOptions('conv2d', options, 'kernelSize stride padding dilation groups bias weightInitializer biasInitializer');
  const { groups = 1, bias = true, weightInitializer = xavierUniform(), biasInitializer = zeros() } = options;
  const kernelSize = pair('kernelSize', options.kernelSize);
  const stride = pair('stride', options.stride ?? 1);
  const dilation = pair('dilation', options.dilation ?? 1);
  requireCount('filters', filters);
  requireCount('groups', groups);
  return defineLayer((x, scope) => {
    const [, channels, height, width] = requireImage('conv2d', x) as [null, number, number, number];
    if (channels % groups !== 0) {
      const where = scope.path || 'conv2d';
      throw new BnError('shape', `${where}: ${channels} input channels do not divide into ${groups} groups`);
    }
    const padding = paddingOf(options.padding ?? 0, [height, width], { kernelSize, stride, dilation });
    const weight = scope.parameter('weight', [filters, channels / groups, ...kernelSize], weightInitializer);
    const y = convolve(x, weight, { stride, padding, dilation, groups });
    return bias ? add(y, reshape(scope.parameter('bias', [filters], biasInitializer), [1, filters, 1, 1])) : y;
  });
}
