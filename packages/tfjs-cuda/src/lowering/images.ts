// Parts that convolution and pooling are made of. Images are [batch, height, width, channels] here.

import { sizeOf } from '@bn/core';
import type { ImagePadding, Ref } from '../program/kernels.js';
import type { ProgramBuilder } from '../program/program-builder.js';

/** [top, left, bottom, right], as in core. */
export type Padding = readonly [number, number, number, number];

export const rowsAxis = 1;
export const columnsAxis = 2;
export const channelsAxis = 3;

/** Core's padding as kernels take it. */
export function imagePadding([top, left, bottom, right]: Padding): ImagePadding {
  return [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ];
}

/** Elements of `value` around the image. */
export function pad(builder: ProgramBuilder, x: Ref, padding: Padding, value: number): Ref {
  if (padding.every((n) => n === 0)) return x;
  const paddings = imagePadding(padding);
  const shape = x.shape.map((n, axis) => n + paddings[axis][0] + paddings[axis][1]);
  return builder.call('PadV2', [x], { paddings, constantValue: value }, shape);
}

/** The part of x from `begin` on that has `size` elements along one axis. */
export function slice(builder: ProgramBuilder, x: Ref, axis: number, begin: number, size: number): Ref {
  if (begin === 0 && size === x.shape[axis]) return x;
  const shape = x.shape.map((n, i) => (i === axis ? size : n));
  return builder.call('Slice', [x], { begin: x.shape.map((_, i) => (i === axis ? begin : 0)), size: shape }, shape);
}

/** The image without `padding`: what `pad` is undone by. */
export function crop(builder: ProgramBuilder, x: Ref, padding: Padding, height: number, width: number): Ref {
  return slice(builder, slice(builder, x, rowsAxis, padding[0], height), columnsAxis, padding[1], width);
}

export function concat(builder: ProgramBuilder, parts: readonly Ref[], axis: number): Ref {
  if (parts.length === 1) return parts[0];
  const total = parts.reduce((size, part) => size + part.shape[axis], 0);
  const shape = parts[0].shape.map((n, i) => (i === axis ? total : n));
  return builder.call('Concat', parts, { axis }, shape);
}

/** `factor` − 1 zeros between the elements along an axis: n become (n − 1) · factor + 1. */
export function spread(builder: ProgramBuilder, x: Ref, axis: number, factor: number): Ref {
  const n = x.shape[axis];
  if (factor === 1 || n === 1) return x;
  const [outer, inner] = [sizeOf(x.shape.slice(0, axis)), sizeOf(x.shape.slice(axis + 1))];
  const padding = { paddings: [[0, 0] as const, [0, factor - 1] as const, [0, 0] as const], constantValue: 0 };
  const padded = builder.call('PadV2', [builder.reshape(x, [outer * n, 1, inner])], padding, [
    outer * n,
    factor,
    inner,
  ]);
  const whole = builder.reshape(padded, resized(x.shape, axis, n * factor));
  return slice(builder, whole, axis, 0, (n - 1) * factor + 1);
}

/** Every `factor`-th of (n − 1) · factor + 1 elements along an axis: what `spread` is undone by. */
export function unspread(builder: ProgramBuilder, x: Ref, axis: number, factor: number): Ref {
  if (factor === 1) return x;
  const n = (x.shape[axis] - 1) / factor + 1;
  return take(
    builder,
    x,
    axis,
    Array.from({ length: n }, (_, i) => i * factor),
  );
}

/** The elements with these indices along an axis. */
export function take(builder: ProgramBuilder, x: Ref, axis: number, indices: readonly number[]): Ref {
  const places = builder.constant(Int32Array.from(indices), [indices.length], 'int32');
  return builder.call('GatherV2', [x, places], { axis, batchDims: 0 }, resized(x.shape, axis, indices.length));
}

/** The transpose of `take`: what was taken from one place several times is added up there. */
export function putBack(builder: ProgramBuilder, y: Ref, axis: number, indices: readonly number[], size: number): Ref {
  const chosen = new Float32Array(size * indices.length);
  indices.forEach((place, i) => {
    chosen[place * indices.length + i] = 1;
  });
  const matrix = builder.constant(chosen, [1, size, indices.length], 'float32');
  const front = [axis, ...y.shape.map((_, i) => i).filter((i) => i !== axis)];
  const turned = builder.transpose(y, front);
  const rest = turned.shape.slice(1);
  const columns = builder.reshape(turned, [1, indices.length, sizeOf(rest)]);
  const attributes = { transposeA: false, transposeB: false };
  const sums = builder.call('BatchMatMul', [matrix, columns], attributes, [1, size, sizeOf(rest)]);
  return builder.transpose(
    builder.reshape(sums, [size, ...rest]),
    front.map((_, i) => front.indexOf(i)),
  );
}

function resized(shape: readonly number[], axis: number, size: number): number[] {
  return shape.map((n, i) => (i === axis ? size : n));
}
