// Pooling over windows of images [batch, channels, height, width], and its gradients.

import { BnError } from '../errors.js';
import { apply, type Definitions, requireDType } from '../primitive.js';
import { site, type Tensor } from '../tensor.js';
import { type ConvolutionGeometry, requireForwardShape, requireImage, spatial, windows } from './convolution.js';

export interface PoolingGeometry extends Omit<ConvolutionGeometry, 'groups'> {
  /** [height, width]. */
  readonly kernelSize: readonly [number, number];
}
export interface AveragePoolingGeometry extends PoolingGeometry {
  /** Whether the zeros of the padding count in the divisor (PyTorch's default: yes; ONNX's: no). */
  readonly countIncludesPadding: boolean;
}

export interface PoolingAttributes {
  avgPool2d: AveragePoolingGeometry;
  /** Input: dy. Result: the gradient with respect to an x of size `inputSize` ([height, width]). */
  avgPool2dGradient: AveragePoolingGeometry & { readonly inputSize: readonly [number, number] };
  /** Padding never wins. */
  maxPool2d: PoolingGeometry;
  /** Inputs: x, dy. The first largest element of a window, in row-major order, gets the gradient. */
  maxPool2dGradient: PoolingGeometry;
}

const pooled = (inputs: readonly [Tensor], geometry: PoolingGeometry, op: string) => {
  const [batch, channels] = requireImage(op, inputs[0]);
  const size = windows(op, spatial(inputs[0]), geometry.kernelSize, geometry);
  return { dtype: requireDType(op, inputs, 'float32'), shape: [batch!, channels!, ...size] };
};

export const pooling: Definitions<keyof PoolingAttributes> = {
  avgPool2d: {
    spec: pooled,
    gradient: ({ inputs: [x], attributes }, dy) => [avgPool2dGradient(dy, { ...attributes, inputSize: spatial(x) })],
  },
  avgPool2dGradient: {
    spec: ([dy], geometry, op) => {
      const dtype = requireDType(op, [dy], 'float32');
      const [batch, channels] = requireImage(op, dy);
      const size = windows(op, geometry.inputSize, geometry.kernelSize, geometry);
      requireForwardShape(op, dy, [batch!, channels!, ...size]);
      return { dtype, shape: [batch!, channels!, ...geometry.inputSize] };
    },
    // Linear in dy, and its transpose is pooling itself.
    gradient: ({ attributes: { inputSize: _, ...geometry } }, g) => [avgPool2d(g, geometry)],
  },
  maxPool2d: {
    spec: pooled,
    gradient: ({ inputs: [x], attributes }, dy) => [maxPool2dGradient(x, dy, attributes)],
  },
  maxPool2dGradient: {
    spec: ([x, dy], geometry, op) => {
      requireForwardShape(op, dy, pooled([x], geometry, op).shape);
      return { dtype: requireDType(op, [x, dy], 'float32'), shape: x.shape };
    },
    gradient: () => {
      const problem = 'second derivatives of max pooling are not implemented; use average pooling';
      throw new BnError('gradient', `${site('maxPool2dGradient')}: ${problem}`);
    },
  },
};

/** Mean over each window. */
export function avgPool2d(x: Tensor, geometry: AveragePoolingGeometry): Tensor {
  return apply(pooling, 'avgPool2d', [x], geometry);
}

/** The gradient of avgPool2d: every element of a window gets an equal share. */
export function avgPool2dGradient(dy: Tensor, attributes: PoolingAttributes['avgPool2dGradient']): Tensor {
  return apply(pooling, 'avgPool2dGradient', [dy], attributes);
}

/** Largest value of each window. */
export function maxPool2d(x: Tensor, geometry: PoolingGeometry): Tensor {
  return apply(pooling, 'maxPool2d', [x], geometry);
}

/** The gradient of maxPool2d: the first largest element of each window gets it. */
export function maxPool2dGradient(x: Tensor, dy: Tensor, geometry: PoolingGeometry): Tensor {
  return apply(pooling, 'maxPool2dGradient', [x, dy], geometry);
}

/** For each window along an axis, the taps that fall on the image: what an average counts where padding does not. */
export function tapsOnImage(
  axis: 0 | 1,
  { kernelSize, stride, padding, dilation }: PoolingGeometry,
  imageSize: number,
  windowCount: number,
): number[] {
  return Array.from({ length: windowCount }, (_, window) => {
    const start = window * stride[axis] - padding[axis];
    const taps = Array.from({ length: kernelSize[axis] }, (_, tap) => start + tap * dilation[axis]);
    return taps.filter((place) => place >= 0 && place < imageSize).length;
  });
}

/**
 * Padding that makes the result as large as the image divided by the stride. An odd rest goes to the bottom and right, as in
 * Keras and ONNX (SAME_UPPER).
 */
export function samePadding(
  image: readonly number[],
  { kernelSize, stride, dilation }: Omit<PoolingGeometry, 'padding'>,
): [top: number, left: number, bottom: number, right: number] {
  const total = [0, 1].map((i) => {
    const outputs = Math.ceil(image[i]! / stride[i]!);
    return Math.max(0, (outputs - 1) * stride[i]! + (kernelSize[i]! - 1) * dilation[i]! + 1 - image[i]!);
  }) as [number, number];
  const [top, left] = [Math.floor(total[0] / 2), Math.floor(total[1] / 2)];
  return [top, left, total[0] - top, total[1] - left];
}
