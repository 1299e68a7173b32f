// Pooling and its gradients. The engines pool without padding and dilation: padding is added before, and dilated or
// single-element windows are laid side by side, so that they neither overlap nor have holes. (TensorFlow.js's own
// padding is not used: its JavaScript engine gives wrong gradients of average pooling with it.)

import { type AveragePoolingGeometry, ops, type PoolingGeometry, type PrimitiveName } from '@bn/core';
import type { Ref } from '../../program/kernels.js';
import type { ProgramBuilder } from '../../program/program-builder.js';
import { binary } from '../broadcast.js';
import { columnsAxis, concat, crop, pad, putBack, rowsAxis, take } from '../images.js';
import type { Lowering } from '../lowering.js';
import type { Rule } from '../rule.js';

export const pooling = {
  avgPool2d: (node, lowering) => {
    const { builder } = lowering;
    const x = lowering.ref(node.inputs[0], 'channelsLast');
    const windows = windowsOf(node.attributes, lowering.sizes(node.inputs[0].shape), lowering.sizes(node.shape));
    const y = pool(builder, 'AvgPool', laidOut(builder, x, windows, 0), windows);
    return shared(builder, y, node.attributes, windows);
  },
  avgPool2dGradient: (node, lowering) => {
    const { builder, engine } = lowering;
    const windows = windowsOf(node.attributes, lowering.sizes(node.shape), lowering.sizes(node.inputs[0].shape));
    const dy = shared(builder, lowering.ref(node.inputs[0], 'channelsLast'), node.attributes, windows);
    const shape = laidOutShape(windows);
    const disjoint = [0, 1].every((i) => windows.filterSize[i] === windows.strides[i]);
    if (isSingle(windows)) return gathered(builder, dy, windows);
    if (engine !== 'js' && disjoint) return gathered(builder, repeated(lowering, dy, windows), windows);
    const attributes = { ...kernelAttributes(windows), inputShape: shape };
    return gathered(builder, builder.call('AvgPoolGrad', [dy], attributes, shape), windows);
  },
  maxPool2d: (node, lowering) => {
    const { builder } = lowering;
    const x = lowering.ref(node.inputs[0], 'channelsLast');
    const windows = windowsOf(node.attributes, lowering.sizes(node.inputs[0].shape), lowering.sizes(node.shape));
    return pool(builder, 'MaxPool', laidOut(builder, x, windows, Number.NEGATIVE_INFINITY), windows);
  },
  maxPool2dGradient: (node, lowering) => {
    const { builder } = lowering;
    const [x, dy] = node.inputs.map((operand) => lowering.ref(operand, 'channelsLast'));
    const [xShape, yShape] = node.inputs.map((operand) => lowering.sizes(operand.shape));
    const windows = windowsOf(node.attributes, xShape, yShape);
    if (isSingle(windows)) return gathered(builder, dy, windows);
    const images = laidOut(builder, x, windows, Number.NEGATIVE_INFINITY);
    const y = pool(builder, 'MaxPool', images, windows);
    const dx = builder.call('MaxPoolGrad', [dy, images, y], kernelAttributes(windows), images.shape);
    return gathered(builder, dx, windows);
  },
} satisfies Partial<{ [Op in PrimitiveName]: Rule<Op> }>;

/** Windows on images that were padded and, if need be, laid side by side. */
interface Windows {
  readonly batch: number;
  readonly channels: number;
  /** [height, width] of the image, of the padded image, and number of windows. */
  readonly size: readonly number[];
  readonly padded: readonly number[];
  readonly count: readonly number[];
  readonly padding: PoolingGeometry['padding'];
  readonly filterSize: readonly [number, number];
  readonly strides: readonly [number, number];
  /** The rows and columns of the padded image that stand in the windows, if these are laid side by side. */
  readonly places?: readonly [rows: readonly number[], columns: readonly number[]];
}

function windowsOf(geometry: PoolingGeometry, image: readonly number[], result: readonly number[]): Windows {
  const { kernelSize, stride, dilation, padding } = geometry;
  const [batch, channels, ...size] = image;
  const common = {
    batch,
    channels,
    size,
    padded: size.map((n, i) => n + padding[i] + padding[i + 2]),
    count: result.slice(2),
    padding,
    filterSize: kernelSize,
  };
  if (dilation.every((n) => n === 1) && kernelSize.some((n) => n > 1)) return { ...common, strides: stride };
  const places = [0, 1].map((i) =>
    Array.from({ length: common.count[i] }, (_, window) =>
      Array.from({ length: kernelSize[i] }, (_, tap) => window * stride[i] + tap * dilation[i]),
    ).flat(),
  );
  return { ...common, strides: kernelSize, places: [places[0], places[1]] };
}

/** Windows of one element, which kernels refuse: laid out they are the result. */
function isSingle({ filterSize }: Windows): boolean {
  return filterSize.every((n) => n === 1);
}

function kernelAttributes({ filterSize, strides }: Windows) {
  return { filterSize, strides, pad: 'valid' } as const;
}

function laidOutShape({ batch, channels, padded, places }: Windows): number[] {
  return [batch, ...(places?.map((list) => list.length) ?? padded), channels];
}

function laidOut(builder: ProgramBuilder, x: Ref, { padding, places }: Windows, value: number): Ref {
  const whole = pad(builder, x, padding, value);
  return places ? take(builder, take(builder, whole, rowsAxis, places[0]), columnsAxis, places[1]) : whole;
}

/** The gradient of `laidOut`. */
function gathered(builder: ProgramBuilder, dx: Ref, { padding, padded, size, places }: Windows): Ref {
  const columns = places ? putBack(builder, dx, columnsAxis, places[1], padded[1]) : dx;
  const whole = places ? putBack(builder, columns, rowsAxis, places[0], padded[0]) : dx;
  return crop(builder, whole, padding, size[0], size[1]);
}

function pool(builder: ProgramBuilder, kernel: 'AvgPool' | 'MaxPool', x: Ref, windows: Windows): Ref {
  if (isSingle(windows)) return x;
  const shape = [windows.batch, ...windows.count, windows.channels];
  return builder.call(kernel, [x], kernelAttributes(windows), shape);
}

/** Means over whole windows as means without padding, if that does not count: times size / elements of the image. */
function shared(builder: ProgramBuilder, y: Ref, geometry: AveragePoolingGeometry, windows: Windows): Ref {
  if (geometry.countIncludesPadding || geometry.padding.every((n) => n === 0)) return y;
  const inside = (axis: 0 | 1) => ops.tapsOnImage(axis, geometry, windows.size[axis], windows.count[axis]);
  const taps = geometry.kernelSize[0] * geometry.kernelSize[1];
  const factors = Float32Array.from(inside(0).flatMap((rows) => inside(1).map((columns) => taps / (rows * columns))));
  const [rows, columns] = windows.count;
  return binary(builder, 'Multiply', y, builder.constant(factors, [rows, columns, 1], 'float32'));
}

/** The gradient of average pooling over windows side by side: equal shares of dy, and zeros where no window reaches. */
function repeated({ builder, engine }: Lowering, dy: Ref, windows: Windows): Ref {
  const { batch, channels, count, filterSize } = windows;
  const repeat = engine === 'native' ? repeatByConcat : repeatByProduct;
  const share = binary(builder, 'Multiply', dy, builder.scalar(1 / (filterSize[0] * filterSize[1])));
  const columns = repeat(builder, builder.reshape(share, [batch * count[0] * count[1], channels]), filterSize[1]);
  const width = count[1] * filterSize[1];
  const rows = repeat(builder, builder.reshape(columns, [batch * count[0], width * channels]), filterSize[0]);
  const height = count[0] * filterSize[0];
  const whole = builder.reshape(rows, [batch, height, width, channels]);
  const [, fullHeight, fullWidth] = laidOutShape(windows);
  return pad(builder, whole, [0, 0, fullHeight - height, fullWidth - width], 0);
}

function repeatByConcat(builder: ProgramBuilder, rows: Ref, times: number): Ref {
  const parts = Array.from({ length: times }, () => rows);
  return concat(builder, parts, 1);
}

function repeatByProduct(builder: ProgramBuilder, rows: Ref, times: number): Ref {
  const [count, size] = rows.shape;
  const ones = builder.constant(new Float32Array(times).fill(1), [times, 1], 'float32');
  return binary(builder, 'Multiply', builder.reshape(rows, [count, 1, size]), ones);
}
