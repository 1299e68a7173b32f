// Images of another size.

import { constant, ops, type Tensor } from '@bn/core';
import { damaged } from '../damaged.js';
import type { NodeContext } from '../node-context.js';
import type { ImportRules } from '../rules.js';

export const resize: ImportRules = {
  Resize: (node) => {
    const isOld = node.opset < 11;
    const [scales, sizes] = isOld ? [1, -1] : [2, 3];
    return resized(node, {
      scales: node.has(scales) && node.constant(scales).data.length > 0 ? numbers(node, scales) : undefined,
      sizes: sizes > 0 && node.has(sizes) ? node.integers(sizes) : undefined,
      // Before opset 11 there is one way, without a choice.
      coordinates: isOld ? 'asymmetric' : node.attributes.string('coordinate_transformation_mode', 'half_pixel'),
      nearest: isOld ? 'floor' : node.attributes.string('nearest_mode', 'round_prefer_floor'),
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

function resized(node: NodeContext, { scales, sizes, coordinates, nearest }: Wanted): Tensor {
  const x = node.tensor(0);
  const mode = node.attributes.string('mode', 'nearest');
  if (mode !== 'nearest' && mode !== 'linear') throw node.unsupported(`the mode ${mode}`);
  if (node.attributes.int('antialias', 0) !== 0) throw node.unsupported('antialias');
  if (node.attributes.string('keep_aspect_ratio_policy', 'stretch') !== 'stretch') {
    throw node.unsupported('keep_aspect_ratio_policy');
  }
  const axes = node.attributes.ints('axes')?.map((axis) => node.axis(axis, x.shape)) ?? [...x.shape.keys()];
  const given = sizes ?? scales;
  if (given?.length !== axes.length) throw damaged('it has neither a scale nor a size for each axis');
  return axes.reduce((y, axis, i) => {
    const [size, scale] = [y.shape[axis]!, scales?.[i]];
    if (size === null ? scale === 1 : scale === undefined ? sizes![i] === size : scale === 1) return y;
    if (size === null) throw node.unsupported('it resizes along the batch');
    const target = scale === undefined ? sizes![i]! : Math.floor(size * scale);
    if (!(target > 0 && target <= 2 ** 16)) throw node.unsupported(`a size of ${target}`);
    const factor = scale ?? target / size;
    const from = Array.from({ length: target }, (_, k) => position(k, { size, target, factor, coordinates, node }));
    if (mode === 'nearest') {
      const indices = from.map((at) => clamp(rounded(at, nearest, node), size));
      return ops.gather(y, constant(indices, [target], 'int32'), axis);
    }
    return interpolated(y, axis, from);
  }, x);
}

/** Where on the axis element k of the result is. */
function position(
  k: number,
  {
    size,
    target,
    factor,
    coordinates,
    node,
  }: { size: number; target: number; factor: number; coordinates: string; node: NodeContext },
): number {
  switch (coordinates) {
    case 'half_pixel':
      return (k + 0.5) / factor - 0.5;
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

function interpolated(x: Tensor, axis: number, from: readonly number[]): Tensor {
  const size = x.shape[axis]!;
  const within = from.map((at) => Math.min(Math.max(at, 0), size - 1));
  const at = (indices: readonly number[]) => ops.gather(x, constant(indices, [from.length], 'int32'), axis);
  const below = within.map(Math.floor);
  const shape = x.shape.map((_, i) => (i === axis ? from.length : 1));
  const weights = constant(
    within.map((at, k) => at - below[k]!),
    shape,
  );
  const [low, high] = [at(below), at(below.map((index) => clamp(index + 1, size)))];
  return ops.add(low, ops.mul(ops.sub(high, low), weights));
}

function clamp(index: number, size: number): number {
  return Math.min(Math.max(index, 0), size - 1);
}

function numbers(node: NodeContext, i: number): readonly number[] {
  return Array.from(node.constant(i).data as ArrayLike<number>);
}
