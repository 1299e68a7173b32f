// Pictures turned, moved, scaled and mirrored.

import { add, cast, div, less, maximum, minimum, mul, sub } from '../ops/elementwise.js';
import { gather, iota, reshape, transpose } from '../ops/shape.js';
import { requireBelow, requireOptions } from '../options.js';
import type { Layer } from '../scope.js';
import type { Tensor } from '../tensor.js';
import { augmentation, mix } from './picture.js';

export interface RandomAffineOptions {
  /** Degrees of a turn around the centre, in either direction, at most; below 90. Default 0. */
  rotate?: number | undefined;
  /** Share of height and width that a picture moves in any direction, at most. Default 0. */
  shift?: number | undefined;
  /** A picture is magnified by a factor from 1 − scale to 1 + scale. Default 0. */
  scale?: number | undefined;
  /** Whether every other picture is mirrored, left to right. Default false. */
  flip?: boolean | undefined;
}

/**
 * In training turns, moves, scales and mirrors each picture by chance, within bounds; in prediction does nothing. Between
 * pixels it interpolates linearly, and beyond the border the pixels of the border are repeated.
 */
export function randomAffine(options: RandomAffineOptions = {}): Layer {
  requireOptions('randomAffine', options, 'rotate shift scale flip');
  const { rotate = 0, shift = 0, scale = 0, flip = false } = options;
  requireBelow('randomAffine: rotate', rotate, 90);
  requireBelow('randomAffine: shift', shift, 1);
  requireBelow('randomAffine: scale', scale, 1);
  return augmentation('randomAffine', 5, (x, { uniform, around0 }, [batch, channels, height, width]) => {
    // t = tan(angle / 2): cos = (1 − t²) / (1 + t²), sin = 2t / (1 + t²).
    const t = around0(Math.tan((rotate * Math.PI) / 360));
    const square = mul(t, t);
    const perPixel = div(1, mul(add(1, around0(scale)), add(1, square)));
    const [cos, sin] = [mul(sub(1, square), perPixel), mul(mul(t, 2), perPixel)];
    const [down, right] = [around0(shift * height), around0(shift * width)];
    const mirror = flip ? sub(1, mul(2, cast(less(uniform(), 0.5), 'float32'))) : 1;

    // Where each pixel of the result comes from: the inverse of the turn and the scaling, around the centre.
    const [middleY, middleX] = [(height - 1) / 2, (width - 1) / 2];
    const y = sub(sub(cast(iota([1, 1, height, 1], 2), 'float32'), middleY), down);
    const x0 = mul(sub(sub(cast(iota([1, 1, 1, width], 3), 'float32'), middleX), right), mirror);
    const fromY = inside(add(sub(mul(cos, y), mul(sin, x0)), middleY), height);
    const fromX = inside(add(add(mul(sin, y), mul(cos, x0)), middleX), width);
    return sampled(x, fromY, fromX, [batch, channels, height, width]);
  });
}

/** A position on an axis of `size` pixels; beyond the border, the border's. */
function inside(position: Tensor, size: number): Tensor {
  return minimum(maximum(position, 0), size - 1);
}

/** Pixels of x at positions [batch, 1, height, width], each from the four around it. */
function sampled(x: Tensor, y: Tensor, x0: Tensor, sizes: readonly [number, number, number, number]): Tensor {
  const [batch, channels, height, width] = sizes;
  const [top, left] = [cast(y, 'int32'), cast(x0, 'int32')];
  const [below, beside] = [minimum(add(top, 1), height - 1), minimum(add(left, 1), width - 1)];
  const pixels = reshape(transpose(x, [0, 2, 3, 1]), [batch * height * width, channels]);
  const first = mul(iota([batch, 1, 1, 1], 0), height * width);
  const at = (row: Tensor, column: Tensor) => {
    const index = reshape(add(first, add(mul(row, width), column)), [batch * height * width]);
    return reshape(gather(pixels, index), [batch, height, width, channels]);
  };
  const weight = (position: Tensor, whole: Tensor) =>
    reshape(sub(position, cast(whole, 'float32')), [batch, height, width, 1]);
  const across = weight(x0, left);
  const mixed = mix(
    mix(at(top, left), at(top, beside), across),
    mix(at(below, left), at(below, beside), across),
    weight(y, top),
  );
  return transpose(mixed, [0, 3, 1, 2]);
}
