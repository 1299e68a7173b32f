// Convolution and its gradients. TensorFlow.js has filters as [height, width, in, out].

import type { ConvolutionGeometry, PrimitiveName, Tensor } from '@bn/core';
import type { Ref } from '../../program/kernels.js';
import type { ProgramBuilder } from '../../program/program-builder.js';
import {
  channelsAxis,
  columnsAxis,
  concat,
  crop,
  imagePadding,
  type Padding,
  rowsAxis,
  slice,
  spread,
  unspread,
} from '../images.js';
import type { Lowering } from '../lowering.js';
import type { Rule } from '../rule.js';

export const convolution = {
  conv2d: (node, lowering) => {
    const [x, filter] = [image(node.inputs[0], lowering), lowering.ref(node.inputs[1], 'plain')];
    const [height, width] = lowering.sizes(node.shape).slice(2);
    return perGroup(lowering, node.attributes, [x, channelsAxis], [filter, 0], channelsAxis, (part, weights) =>
      convolve(lowering.builder, part, lowering.builder.transpose(weights, [2, 3, 1, 0]), node.attributes, [
        height,
        width,
      ]),
    );
  },
  conv2dInputGradient: (node, lowering) => {
    const [dy, filter] = [image(node.inputs[0], lowering), lowering.ref(node.inputs[1], 'plain')];
    const compute = lowering.engine === 'native' ? inputGradient : inputGradientByConvolution;
    return perGroup(lowering, node.attributes, [dy, channelsAxis], [filter, 0], channelsAxis, (part, weights) =>
      compute(lowering.builder, part, weights, node.attributes, node.attributes.inputSize),
    );
  },
  conv2dFilterGradient: (node, lowering) => {
    const [x, dy] = [image(node.inputs[0], lowering), image(node.inputs[1], lowering)];
    const compute = lowering.engine === 'native' ? filterGradient : filterGradientByConvolution;
    return perGroup(lowering, node.attributes, [x, channelsAxis], [dy, channelsAxis], 0, (part, slopes) =>
      compute(lowering.builder, part, slopes, node.attributes, node.attributes.kernelSize),
    );
  },
} satisfies Partial<{ [Op in PrimitiveName]: Rule<Op> }>;

type Size = readonly [height: number, width: number];
type Operand = readonly [x: Ref, axis: number];

function image(x: Tensor, lowering: Lowering): Ref {
  return lowering.ref(x, 'channelsLast');
}

/** Splits both operands along their axes into groups, and joins the results. */
function perGroup(
  { builder }: Lowering,
  { groups }: ConvolutionGeometry,
  [a, aAxis]: Operand,
  [b, bAxis]: Operand,
  joinAxis: number,
  compute: (a: Ref, b: Ref) => Ref,
): Ref {
  const part = (x: Ref, axis: number, group: number) => {
    const size = x.shape[axis] / groups;
    return slice(builder, x, axis, group * size, size);
  };
  const results = Array.from({ length: groups }, (_, i) => compute(part(a, aAxis, i), part(b, bAxis, i)));
  return concat(builder, results, joinAxis);
}

/** `filter` is [height, width, in, out], the result `size` large. */
function convolve(
  builder: ProgramBuilder,
  x: Ref,
  filter: Ref,
  { stride, padding, dilation }: Omit<ConvolutionGeometry, 'groups'>,
  [height, width]: Size,
): Ref {
  const attributes = {
    strides: stride,
    pad: imagePadding(padding),
    dataFormat: 'NHWC',
    dilations: dilation,
  } as const;
  return builder.call('Conv2D', [x, filter], attributes, [x.shape[0], height, width, filter.shape[3]]);
}

/** The native kernels of gradients know no dilation: a dilated filter is a larger one with zeros in between. */
function inputGradient(builder: ProgramBuilder, dy: Ref, filter: Ref, geometry: ConvolutionGeometry, size: Size): Ref {
  const large = spread(builder, spread(builder, filter, 2, geometry.dilation[0]), 3, geometry.dilation[1]);
  const inputShape = [dy.shape[0], ...size, filter.shape[1]];
  const attributes = {
    strides: geometry.stride,
    pad: imagePadding(geometry.padding),
    dataFormat: 'NHWC',
    inputShape,
  } as const;
  return builder.call('Conv2DBackpropInput', [dy, builder.transpose(large, [2, 3, 1, 0])], attributes, inputShape);
}

/** As `inputGradient`; x, dy → the gradient of a filter of `size`, [out, in, height, width]. */
function filterGradient(builder: ProgramBuilder, x: Ref, dy: Ref, geometry: ConvolutionGeometry, size: Size): Ref {
  const { stride, padding, dilation } = geometry;
  const extents = size.map((n, i) => (n - 1) * dilation[i] + 1);
  const filterShape = [...extents, x.shape[3], dy.shape[3]];
  const attributes = { strides: stride, pad: imagePadding(padding), dataFormat: 'NHWC', filterShape } as const;
  const large = builder.call('Conv2DBackpropFilter', [x, dy], attributes, filterShape);
  const gradient = unspread(builder, unspread(builder, large, 0, dilation[0]), 1, dilation[1]);
  return builder.transpose(gradient, [3, 2, 0, 1]);
}

/**
 * dx = the convolution of dy, with zeros between and around its elements, with the filter turned by 180°:
 * dx[i] = Σ dy[j] · w[k] over i = j·stride + k·dilation − padding.
 */
function inputGradientByConvolution(
  builder: ProgramBuilder,
  dy: Ref,
  filter: Ref,
  { stride, padding, dilation }: ConvolutionGeometry,
  size: Size,
): Ref {
  const spaced = spread(builder, spread(builder, dy, rowsAxis, stride[0]), columnsAxis, stride[1]);
  const before = [0, 1].map((i) => (filter.shape[i + 2] - 1) * dilation[i] - padding[i]);
  const after = [0, 1].map((i) => size[i] + padding[i] - spaced.shape[i + 1]);
  const around = [...before, ...after];
  // Padding of x wider than the filter: elements of dy that see padding alone.
  const surplus = notNegative(around.map((n) => -n));
  const [height, width] = [0, 1].map((i) => spaced.shape[i + 1] - surplus[i] - surplus[i + 2]);
  if (height < 1 || width < 1) {
    const shape = [dy.shape[0], ...size, filter.shape[1]];
    return builder.constant(new Float32Array(shape.reduce((a, b) => a * b)), shape, 'float32');
  }
  const seeing = crop(builder, spaced, surplus, height, width);
  const turned = builder.call('Reverse', [builder.transpose(filter, [2, 3, 0, 1])], { dims: [0, 1] }, [
    ...filter.shape.slice(2),
    ...filter.shape.slice(0, 2),
  ]);
  const geometry = { stride: [1, 1], padding: notNegative(around), dilation } as const;
  return convolve(builder, seeing, turned, geometry, size);
}

function notNegative(padding: readonly number[]): Padding {
  const [top, left, bottom, right] = padding.map((n) => Math.max(0, n));
  return [top, left, bottom, right];
}

/**
 * dw = the convolution of x with dy as the filter, batch and channels exchanged, stride and dilation exchanged:
 * dw[k] = Σ x[j·stride + k·dilation − padding] · dy[j].
 */
function filterGradientByConvolution(
  builder: ProgramBuilder,
  x: Ref,
  dy: Ref,
  { stride, padding, dilation }: ConvolutionGeometry,
  size: Size,
): Ref {
  // [in, height, width, batch] with filters [height, width, batch, out]
  const images = builder.transpose(x, [3, 1, 2, 0]);
  const slopes = builder.transpose(dy, [1, 2, 0, 3]);
  const places = [0, 1].map((i) => {
    const padded = x.shape[i + 1] + padding[i] + padding[i + 2];
    const extent = (dy.shape[i + 1] - 1) * stride[i] + 1;
    return Math.floor((padded - extent) / dilation[i]) + 1;
  });
  const geometry = { stride: dilation, padding, dilation: stride } as const;
  const all = convolve(builder, images, slopes, geometry, [places[0], places[1]]);
  // Rows and columns that a stride leaves out would be more places for the filter than it has.
  return builder.transpose(crop(builder, all, [0, 0, 0, 0], size[0], size[1]), [3, 0, 1, 2]);
}
