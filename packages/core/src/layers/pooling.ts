// Pooling layers for images [batch, channels, height, width].

import { requireImage, spatial } from '../ops/convolution.js';
import { avgPool2d as averagePool, maxPool2d as maximumPool, type PoolingGeometry } from '../ops/pooling.js';
import { mean } from '../ops/reduction.js';
import { requireOptions } from '../options.js';
import type { Layer } from '../scope.js';
import type { Tensor } from '../tensor.js';
import { type Padding2d, paddingOf, pair, type Size2d } from './window.js';

export interface Pool2dOptions {
  /** Default: the kernel size. */
  stride?: Size2d | undefined;
  /** Default 0. */
  padding?: Padding2d | undefined;
  /** Default 1. */
  dilation?: Size2d | undefined;
}

const poolOptions = 'stride padding dilation';

export interface AvgPool2dOptions extends Pool2dOptions {
  /** Whether zeros of the padding count in the mean. Default true, as in PyTorch. */
  countIncludesPadding?: boolean | undefined;
}

/** The mean of each window. */
export function avgPool2d(kernelSize: Size2d, options: AvgPool2dOptions = {}): Layer {
  requireOptions('avgPool2d', options, `${poolOptions} countIncludesPadding`);
  const { countIncludesPadding = true } = options;
  return (x) => averagePool(x, { ...geometryOf(x, kernelSize, options), countIncludesPadding });
}

/** The largest value of each window. */
export function maxPool2d(kernelSize: Size2d, options: Pool2dOptions = {}): Layer {
  requireOptions('maxPool2d', options, poolOptions);
  return (x) => maximumPool(x, geometryOf(x, kernelSize, options));
}

/** The mean of each channel: [batch, channels, height, width] → [batch, channels]. */
export function globalAveragePool2d(): Layer {
  return (x) => {
    requireImage('globalAveragePool2d', x);
    return mean(x, [2, 3]);
  };
}

function geometryOf(x: Tensor, size: Size2d, options: Pool2dOptions): PoolingGeometry {
  requireImage('pooling', x);
  const kernelSize = pair('kernelSize', size);
  const stride = pair('stride', options.stride ?? kernelSize);
  const dilation = pair('dilation', options.dilation ?? 1);
  return {
    kernelSize,
    stride,
    dilation,
    padding: paddingOf(options.padding ?? 0, spatial(x), { kernelSize, stride, dilation }),
  };
}
