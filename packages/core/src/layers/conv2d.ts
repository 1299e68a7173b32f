// The convolution layer.

import { BnError } from '../errors.js';
import { type Initializer, xavierUniform, zeros } from '../initializers.js';
import { conv2d as convolve, requireImage } from '../ops/convolution.js';
import { add } from '../ops/elementwise.js';
import { reshape } from '../ops/shape.js';
import { requireOptions } from '../options.js';
import { defineLayer, type Layer } from '../scope.js';

/** One number for height and width alike, or [height, width]. */
export type Size2d = number | readonly [number, number];

/** Zeros around the image: one number, [height, width], [top, left, bottom, right], or `same` (output as large as input / stride). */
export type Padding2d = Size2d | readonly [number, number, number, number] | 'same';

export interface Conv2dOptions {
  kernelSize: Size2d;
  /** Default 1. */
  stride?: Size2d;
  /** Default 0. */
  padding?: Padding2d;
  /** Default 1. */
  dilation?: Size2d;
  /** Default 1; `groups` = input channels makes a depthwise convolution. */
  groups?: number;
  /** Default true. A bias before batch normalization has no effect: leave it out there. */
  bias?: boolean;
  /** Default Xavier uniform. */
  weightInitializer?: Initializer;
  /** Default zeros. */
  biasInitializer?: Initializer;
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
      throw new BnError(
        'shape',
        `${scope.path || 'conv2d'}: ${channels} input channels do not divide into ${groups} groups`,
      );
    }
    const padding = paddingOf(options.padding ?? 0, [height, width], { kernelSize, stride, dilation });
    const weight = scope.parameter('weight', [filters, channels / groups, ...kernelSize], weightInitializer);
    const y = convolve(x, weight, { stride, padding, dilation, groups });
    return bias ? add(y, reshape(scope.parameter('bias', [filters], biasInitializer), [1, filters, 1, 1])) : y;
  });
}

/** [height, width] from one number or two; throws `argument` unless they are positive integers. */
export function pair(name: string, size: Size2d): [number, number] {
  const [height, width] = typeof size === 'number' ? [size, size] : size;
  requireCount(name, height);
  requireCount(name, width);
  return [height, width];
}

/** Throws `argument` unless n is a positive integer. */
export function requireCount(name: string, n: number): void {
  if (!Number.isInteger(n) || n < 1) throw new BnError('argument', `${name} must be a positive integer, got ${n}`);
}

interface Window {
  readonly kernelSize: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly dilation: readonly [number, number];
}

/** Padding as [top, left, bottom, right]. An odd rest of `same` goes to the bottom and right, as in Keras and ONNX (SAME_UPPER). */
export function paddingOf(
  padding: Padding2d,
  size: readonly [number, number],
  { kernelSize, stride, dilation }: Window,
): [number, number, number, number] {
  if (padding === 'same') {
    const total = size.map((n, i) => {
      const outputs = Math.ceil(n / stride[i]!);
      return Math.max(0, (outputs - 1) * stride[i]! + (kernelSize[i]! - 1) * dilation[i]! + 1 - n);
    }) as [number, number];
    const [top, left] = [Math.floor(total[0] / 2), Math.floor(total[1] / 2)];
    return [top, left, total[0] - top, total[1] - left];
  }
  const list = typeof padding === 'number' ? [padding, padding] : padding;
  if (list.some((n) => !Number.isInteger(n) || n < 0)) {
    throw new BnError('argument', `padding must be integers of 0 or more, got ${padding}`);
  }
  return list.length === 2 ? [list[0]!, list[1]!, list[0]!, list[1]!] : (list as [number, number, number, number]);
}
