// Images of another size: each element along an axis is a sum of elements, weighed by their distance.

import { constant, ops, type Tensor } from '@bn/core';
import { damaged } from '../damaged.js';
import type { NodeContext } from '../node-context.js';
import type { ImportRules } from '../rules.js';

export const resize: ImportRules = {
  Resize: (node) => {
    const { attributes } = node;
    const isOld = node.opset < 11;
    const [scales, sizes] = isOld ? [1, -1] : [2, 3];
    return resized(node, {
      scales: node.has(scales) && node.constant(scales).data.length > 0 ? numbers(node, scales) : undefined,
      sizes: sizes > 0 && node.has(sizes) ? node.integers(sizes) : undefined,
      // Before opset 11 there is one way, without a choice.
      coordinates: isOld ? 'asymmetric' : attributes.string('coordinate_transformation_mode', 'half_pixel'),
      nearest: isOld ? 'floor' : attributes.string('nearest_mode', 'round_prefer_floor'),
    });
  },
  Upsample: (node) =>
    resized(node, {
      scales: node.attributes.numbers('scales') ?? numbers(node, 1),
      sizes: undefined,
      ...{ coordinates: 'asymmetric', nearest: 'floor' },
    }),
};

interface Wanted {
  /** For each axis, or for those of `axes`. */
  readonly scales: readonly number[] | undefined;
  readonly sizes: readonly number[] | undefined;
  readonly coordinates: string;
  readonly nearest: string;
}

function resized(node: NodeContext, { scales, sizes: given, coordinates, nearest }: Wanted): Tensor {
  const x = node.tensor(0);
  const mode = node.attributes.string('mode', 'nearest');
  if (!['nearest', 'linear', 'cubic'].includes(mode)) throw node.unsupported(`the mode ${mode}`);
  const axes = node.attributes.ints('axes')?.map((axis) => node.axis(axis, x.shape)) ?? [...x.shape.keys()];
  if ((given ?? scales)?.length !== axes.length) throw damaged('it has neither a scale nor a size for each axis');
  const sizes = given && keptRatio(node, x, axes, given);
  return axes.reduce((y, axis, i) => {
    const [size, scale] = [y.shape[axis]!, scales?.[i]];
    const isWhole = coordinates !== 'tf_crop_and_resize';
    if (size === null ? scale === 1 : isWhole && (scale === undefined ? sizes![i] === size : scale === 1)) return y;
    if (size === null) throw node.unsupported('it resizes along the batch');
    const target = scale === undefined ? sizes![i]! : Math.floor(size * scale);
    if (!(target > 0 && target <= 2 ** 16)) throw node.unsupported(`a size of ${target}`);
    const factor = scale ?? target / size;
    const crop = coordinates === 'tf_crop_and_resize' ? [i, i + axes.length].map((at) => numbers(node, 1)[at]!) : [];
    const from = Array.from({ length: target }, (_, k) =>
      position(k, { size, target, factor, coordinates, crop, node }),
    );
    const indices = from.map((at) => clamp(rounded(at, nearest, node), size));
    const resized =
      mode === 'nearest'
        ? ops.gather(y, constant(indices, [target], 'int32'), axis)
        : interpolated(node, y, axis, from, factor);
    const isOutside = from.map((at) => (crop.length > 0 && (at < 0 || at > size - 1) ? 1 : 0));
    if (!isOutside.includes(1)) return resized;
    const along = y.shape.map((_, j) => (j === axis ? target : 1));
    return ops.where(constant(isOutside, along, 'bool'), node.attributes.float('extrapolation_value', 0), resized);
  }, x);
}

/** Sizes as `keep_aspect_ratio_policy` has them: all axes by one scale, the smallest or the largest. */
function keptRatio(node: NodeContext, x: Tensor, axes: readonly number[], sizes: readonly number[]): readonly number[] {
  const policy = node.attributes.string('keep_aspect_ratio_policy', 'stretch');
  if (policy === 'stretch') return sizes;
  if (policy !== 'not_larger' && policy !== 'not_smaller') throw node.unsupported(`the policy ${policy}`);
  const own = axes.map((axis) => x.shape[axis] ?? 1);
  const scale = Math[policy === 'not_larger' ? 'min' : 'max'](...sizes.map((n, i) => n / own[i]!));
  return own.map((n) => Math.floor(scale * n + 0.5));
}

/** Where on the axis element k of the result is. */
function position(
  k: number,
  {
    size,
    target,
    factor,
    coordinates,
    crop,
    node,
  }: {
    size: number;
    target: number;
    factor: number;
    coordinates: string;
    /** Start and end of the part that is resized, as shares of the axis. */
    crop: readonly number[];
    node: NodeContext;
  },
): number {
  const [start = 0, end = 1] = crop;
  switch (coordinates) {
    case 'tf_crop_and_resize':
      if (target === 1) return 0.5 * (start + end) * (size - 1);
      return start * (size - 1) + (k * (end - start) * (size - 1)) / (target - 1);
    case 'half_pixel':
      return (k + 0.5) / factor - 0.5;
    case 'half_pixel_symmetric':
      return (k + 0.5) / factor - 0.5 + (size / 2) * (1 - target / (factor * size));
    case 'pytorch_half_pixel':
      return target > 1 ? (k + 0.5) / factor - 0.5 : 0;
    case 'align_corners':
      return target > 1 ? (k * (size - 1)) / (target - 1) : 0;
    case 'asymmetric':
      return k / factor;
    default:
      throw node.unsupported(`coordinate_transformation_mode ${coordinates}`);
  }
}

function rounded(at: number, mode: string, node: NodeContext): number {
  switch (mode) {
    case 'round_prefer_floor':
      return Math.ceil(at - 0.5);
    case 'round_prefer_ceil':
      return Math.floor(at + 0.5);
    case 'floor':
      return Math.floor(at);
    case 'ceil':
      return Math.ceil(at);
    default:
      throw node.unsupported(`nearest_mode ${mode}`);
  }
}

/** Elements around each position by a kernel, which with `antialias` is as wide as what an element of a smaller image covers. */
function interpolated(node: NodeContext, x: Tensor, axis: number, from: readonly number[], factor: number): Tensor {
  const { attributes } = node;
  const size = x.shape[axis]!;
  const isCubic = attributes.string('mode', 'nearest') === 'cubic';
  const a = attributes.float('cubic_coeff_a', -0.75);
  const width = attributes.int('antialias', 0) === 0 ? 1 : Math.max(1, 1 / factor);
  const reach = Math.ceil((isCubic ? 2 : 1) * width);
  const isWithin = (i: number) => attributes.int('exclude_outside', 0) === 0 || (i >= 0 && i < size);
  const weights = from.map((at) => {
    const around = Array.from({ length: 2 * reach }, (_, k) => Math.floor(at) + 1 - reach + k);
    const raw = around.map((i) => {
      const distance = Math.abs(i - at) / width;
      return isWithin(i) ? (isCubic ? cubic(distance, a) : Math.max(0, 1 - distance)) : 0;
    });
    const total = raw.reduce((sum, w) => sum + w, 0);
    return around.map((i, k) => ({ index: clamp(i, size), weight: raw[k]! / total }));
  });
  const along = x.shape.map((_, i) => (i === axis ? from.length : 1));
  const terms = Array.from({ length: 2 * reach }, (_, k) => {
    const tap = weights.map((one) => one[k]!);
    const indices = constant(
      tap.map(({ index }) => index),
      [from.length],
      'int32',
    );
    return ops.mul(
      ops.gather(x, indices, axis),
      constant(
        tap.map(({ weight }) => weight),
        along,
      ),
    );
  });
  return terms.reduce((sum, term) => ops.add(sum, term));
}

/** The kernel of cubic convolution (Keys, 1981). */
function cubic(d: number, a: number): number {
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

function clamp(index: number, size: number): number {
  return Math.min(Math.max(index, 0), size - 1);
}

function numbers(node: NodeContext, i: number): readonly number[] {
  return Array.from(node.constant(i).data as ArrayLike<number>);
}
