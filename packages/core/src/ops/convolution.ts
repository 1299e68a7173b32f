// Two-dimensional convolution (cross-correlation, as everywhere in deep learning) and its two gradients.
// Images are [batch, channels, height, width], filters [out, in / groups, kernelHeight, kernelWidth].

import { apply, type Definitions, requireDType } from '../primitive.js';
import { type Dimension, formatShape, type Shape, sameShape } from '../spec.js';
import { argumentError, shapeError, type Tensor } from '../tensor.js';

export interface ConvolutionGeometry {
  /** Step between windows: [height, width]. */
  readonly stride: readonly [number, number];
  /** Zeros around the image: [top, left, bottom, right]. */
  readonly padding: readonly [number, number, number, number];
  /** Distance between the taps of the kernel: [height, width]. */
  readonly dilation: readonly [number, number];
  /** Input and output channels are split into this many independent groups. */
  readonly groups: number;
}

export interface ConvolutionAttributes {
  /** Inputs: x, filter. */
  conv2d: ConvolutionGeometry;
  /** Inputs: dy, filter. Result: gradient with respect to an x of size `inputSize` ([height, width]). */
  conv2dInputGradient: ConvolutionGeometry & { readonly inputSize: readonly [number, number] };
  /** Inputs: x, dy. Result: gradient with respect to a filter of size `kernelSize` ([height, width]). */
  conv2dFilterGradient: ConvolutionGeometry & { readonly kernelSize: readonly [number, number] };
}

export const convolution: Definitions<keyof ConvolutionAttributes> = {
  conv2d: {
    spec: ([x, filter], geometry, op) => {
      const dtype = requireDType(op, [x, filter], 'float32');
      const [batch, channels, height, width] = requireImage(op, x);
      const [out, inGroup, kernelHeight, kernelWidth] = requireImage(op, filter);
      const expected = inGroup! * geometry.groups;
      if (channels !== expected || out! % geometry.groups !== 0) {
        const seen = `input ${formatShape(x.shape)}, weight ${formatShape(filter.shape)}`;
        const grouped = geometry.groups > 1 ? `, groups ${geometry.groups}` : '';
        const input = `expected ${expected} input channels, got ${channels} — ${seen}${grouped}`;
        const output = `${out} output channels do not divide into ${geometry.groups} groups — ${seen}`;
        throw shapeError(op, channels !== expected ? input : output);
      }
      const size = windows(op, [height!, width!], [kernelHeight!, kernelWidth!], geometry);
      return { dtype, shape: [batch!, out!, ...size] };
    },
    gradient: ({ inputs: [x, filter], attributes: geometry }, dy) => [
      conv2dInputGradient(dy, filter, { ...geometry, inputSize: spatial(x) }),
      conv2dFilterGradient(x, dy, { ...geometry, kernelSize: spatial(filter) }),
    ],
  },
  conv2dInputGradient: {
    spec: ([dy, filter], geometry, op) => {
      const dtype = requireDType(op, [dy, filter], 'float32');
      const { groups, inputSize } = geometry;
      const size = windows(op, inputSize, spatial(filter), geometry);
      requireForwardShape(op, dy, [dy.shape[0]!, filter.shape[0]!, ...size]);
      return { dtype, shape: [dy.shape[0]!, filter.shape[1]! * groups, ...inputSize] };
    },
    // Linear in dy and in the filter.
    gradient: ({ inputs: [dy, filter], attributes: { inputSize: _, ...geometry } }, g) => [
      conv2d(g, filter, geometry),
      conv2dFilterGradient(g, dy, { ...geometry, kernelSize: spatial(filter) }),
    ],
  },
  conv2dFilterGradient: {
    spec: ([x, dy], geometry, op) => {
      const dtype = requireDType(op, [x, dy], 'float32');
      const { groups, kernelSize } = geometry;
      const size = windows(op, spatial(x), kernelSize, geometry);
      requireForwardShape(op, dy, [x.shape[0]!, dy.shape[1]!, ...size]);
      return { dtype, shape: [dy.shape[1]!, x.shape[1]! / groups, ...kernelSize] };
    },
    // Linear in x and in dy.
    gradient: ({ inputs: [x, dy], attributes: { kernelSize: _, ...geometry } }, g) => [
      conv2dInputGradient(dy, g, { ...geometry, inputSize: spatial(x) }),
      conv2d(x, g, geometry),
    ],
  },
};

/** x [batch, in, height, width] with filter [out, in / groups, kernelHeight, kernelWidth] → [batch, out, …]. */
export function conv2d(
  x: Tensor,
  filter: Tensor,
  geometry: { readonly [K in keyof ConvolutionGeometry]?: ConvolutionGeometry[K] | undefined } = {},
): Tensor {
  const { stride = [1, 1], padding = [0, 0, 0, 0], dilation = [1, 1], groups = 1 } = geometry;
  return apply(convolution, 'conv2d', [x, filter], { stride, padding, dilation, groups });
}

/** The gradient of conv2d with respect to its input (also known as transposed convolution). */
export function conv2dInputGradient(
  dy: Tensor,
  filter: Tensor,
  attributes: ConvolutionAttributes['conv2dInputGradient'],
): Tensor {
  return apply(convolution, 'conv2dInputGradient', [dy, filter], attributes);
}

/** The gradient of conv2d with respect to its filter. */
export function conv2dFilterGradient(
  x: Tensor,
  dy: Tensor,
  attributes: ConvolutionAttributes['conv2dFilterGradient'],
): Tensor {
  return apply(convolution, 'conv2dFilterGradient', [x, dy], attributes);
}

/** Throws `shape` unless x has the four axes of images. */
export function requireImage(op: string, x: Tensor): readonly Dimension[] {
  if (x.shape.length === 4 && !x.shape.slice(1).includes(null)) return x.shape;
  throw shapeError(op, `expected four axes [batch, channels, height, width], got ${formatShape(x.shape)}`);
}

/** Throws `shape` unless dy, the gradient of a result, has that result's shape. */
export function requireForwardShape(op: string, dy: Tensor, expected: Shape): void {
  if (sameShape(dy.shape, expected)) return;
  const seen = `expected dy ${formatShape(expected)}, got ${formatShape(dy.shape)}`;
  throw shapeError(op, `${seen}; it has the shape of the forward result`);
}

/**
 * Number of window positions per spatial axis; throws `shape` when the window does not fit, `argument` for an invalid
 * geometry.
 */
export function windows(
  op: string,
  size: readonly number[],
  kernelSize: readonly number[],
  { stride, padding, dilation }: Omit<ConvolutionGeometry, 'groups'>,
): [number, number] {
  const isCount = (n: number) => Number.isInteger(n) && n > 0;
  if (![...kernelSize, ...stride, ...dilation].every(isCount) || !padding.every((n) => isCount(n + 1))) {
    const seen = `kernel [${kernelSize}], stride [${stride}], dilation [${dilation}], padding [${padding}]`;
    throw argumentError(op, `invalid window: ${seen}; use positive integers, or 0 for padding`);
  }
  const count = [0, 1].map((i) => {
    const padded = size[i]! + padding[i]! + padding[i + 2]!;
    const extent = (kernelSize[i]! - 1) * dilation[i]! + 1;
    if (extent > padded) {
      const image = `${padded} ${i === 0 ? 'rows' : 'columns'} (image ${size[0]}×${size[1]}, padding [${padding}])`;
      throw shapeError(op, `a window of ${extent} does not fit into ${image}; use a smaller kernel or more padding`);
    }
    return Math.floor((padded - extent) / stride[i]!) + 1;
  });
  return count as [number, number];
}

/** Height and width of images or filters. */
export function spatial(x: Tensor): [number, number] {
  return [x.shape[2]!, x.shape[3]!];
}
