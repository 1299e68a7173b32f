// Convolution and pooling. ONNX has pads as core has padding: all beginnings, then all ends.

import { formatShape, ops, type PoolingGeometry, type Tensor } from '@bn/core';
import { damaged } from '../damaged.js';
import type { NodeContext } from '../node-context.js';
import type { ImportRules } from '../rules.js';
import { abs, wholePower } from './activations.js';

type Pair = readonly [number, number];
type Padding = PoolingGeometry['padding'];

export const convolution: ImportRules = {
  Conv: (node) => {
    const [x, weight] = [image(node, 0), image(node, 1)];
    const { kernelSize: _, ...window } = windowOf(node, x, ops.spatial(weight));
    const y = ops.conv2d(x, weight, { ...window, groups: groupsOf(node) });
    return asGiven(node, withBias(node, y));
  },
  ConvTranspose: (node) => {
    const [x, weight] = [image(node, 0), image(node, 1)];
    const [stride, dilation, more] = [pair(node, 'strides'), pair(node, 'dilations'), pair(node, 'output_padding', 0)];
    const kernel = ops.spatial(weight);
    const whole = ops.spatial(x).map((n, i) => (n - 1) * stride[i]! + (kernel[i]! - 1) * dilation[i]! + 1 + more[i]!);
    const mode = node.attributes.string('auto_pad', 'NOTSET');
    const given = node.attributes.ints('output_shape')?.slice(-2);
    const wanted = given
      ? pair(node, 'output_shape', 1, isLine(node) ? given.slice(-1) : given)
      : mode.startsWith('SAME') && ops.spatial(x).map((n, i) => n * stride[i]!);
    const padding = wanted
      ? cutPadding(
          whole.map((n, i) => Math.max(0, n - wanted[i]!)),
          mode,
        )
      : mode === 'VALID'
        ? ([0, 0, 0, 0] as const)
        : padsOf(node);
    // Beyond what the kernel reaches are zeros, at the end.
    const inputSize = whole.map((n, i) => (wanted ? wanted[i]! : n - padding[i]! - padding[i + 2]!)) as [
      number,
      number,
    ];
    const geometry = { stride, dilation, padding, groups: groupsOf(node), inputSize };
    return asGiven(node, withBias(node, ops.conv2dInputGradient(x, weight, geometry)));
  },
  MaxPool: (node) => {
    const x = image(node, 0);
    // Bytes are numbers without loss.
    const y = ops.maxPool2d(x.dtype === 'uint8' ? ops.cast(x, 'float32') : x, poolOf(node).geometry);
    return asGiven(node, ops.cast(y, x.dtype));
  },
  AveragePool: (node) =>
    asGiven(node, averages(node, image(node, 0), node.attributes.int('count_include_pad', 0) !== 0)),
  LpPool: (node) => {
    const p = node.attributes.int('p', 2);
    if (!(p >= 1 && p <= 64)) throw node.unsupported(`p ${p}`);
    const x = image(node, 0);
    const { geometry, isCut } = poolOf(node);
    if (isCut) throw node.unsupported('ceil_mode');
    const powers = p === 2 ? ops.square(x) : wholePower(abs(x), p);
    const mean = ops.avgPool2d(powers, { ...geometry, countIncludesPadding: true });
    const sum = ops.mul(mean, geometry.kernelSize[0] * geometry.kernelSize[1]);
    return asGiven(node, p === 1 ? sum : p === 2 ? ops.sqrt(sum) : ops.exp(ops.div(ops.log(sum), p)));
  },
  GlobalAveragePool: (node) => overImage(node, ops.mean),
  GlobalMaxPool: (node) => overImage(node, ops.max),
};

/** A window that reaches beyond image and padding is averaged over what is within. */
function averages(node: NodeContext, x: Tensor, countIncludesPadding: boolean): Tensor {
  const { geometry, isCut } = poolOf(node);
  if (!isCut || !countIncludesPadding) return ops.avgPool2d(x, { ...geometry, countIncludesPadding });
  const [top, left] = geometry.padding;
  const [, , bottom, right] = node.attributes.ints('pads') === undefined ? [0, 0, 0, 0] : padsOf(node);
  const padded = ops.pad(x, [0, 0, top, left], [0, 0, bottom!, right!]);
  const beyond = [0, 0, geometry.padding[2] - bottom!, geometry.padding[3] - right!] as const;
  return ops.avgPool2d(padded, { ...geometry, padding: beyond, countIncludesPadding: false });
}

function overImage(node: NodeContext, reduce: typeof ops.mean): Tensor {
  return asGiven(node, reduce(image(node, 0), [2, 3], { keepDims: true }));
}

function groupsOf({ attributes }: NodeContext): number {
  const groups = attributes.int('group', 1);
  if (groups >= 1) return groups;
  throw damaged(`group ${groups} makes no sense`);
}

function withBias(node: NodeContext, y: Tensor): Tensor {
  return node.has(2) ? ops.add(y, ops.reshape(node.tensor(2), [1, y.shape[1]!, 1, 1])) : y;
}

/** An input as an image: one of three axes, as sound has, has a height of 1. */
function image(node: NodeContext, i: number): Tensor {
  const x = node.tensor(i);
  if (x.shape.length === 4) return x;
  if (x.shape.length === 3) return ops.reshape(x, [x.shape[0]!, x.shape[1]!, 1, x.shape[2]!]);
  throw node.unsupported(`its input ${i} has the shape ${formatShape(x.shape)}, not three or four axes`);
}

function isLine(node: NodeContext): boolean {
  return node.tensor(0).shape.length === 3;
}

/** The result with as many axes as the first input has. */
function asGiven(node: NodeContext, y: Tensor): Tensor {
  return isLine(node) ? ops.reshape(y, [y.shape[0]!, y.shape[1]!, y.shape[3]!]) : y;
}

/** The attribute `pads`: all beginnings, then all ends. */
function padsOf(node: NodeContext): Padding {
  const given = node.attributes.ints('pads') ?? (isLine(node) ? [0, 0] : [0, 0, 0, 0]);
  const pads = isLine(node) && given.length === 2 ? [0, given[0]!, 0, given[1]!] : given;
  if (pads.length === 4 && pads.every((n) => n >= 0 && n < 2 ** 31)) return pads as unknown as Padding;
  throw node.unsupported(`pads [${given}]`);
}

function windowOf(node: NodeContext, x: Tensor, kernelSize: Pair): PoolingGeometry {
  const stride = pair(node, 'strides');
  const dilation = pair(node, 'dilations');
  const mode = node.attributes.string('auto_pad', 'NOTSET');
  const window = { kernelSize, stride, dilation };
  const padding = mode === 'NOTSET' ? padsOf(node) : automaticPadding(node, mode, x, window);
  return { ...window, padding };
}

function automaticPadding(
  node: NodeContext,
  mode: string,
  x: Tensor,
  window: Omit<PoolingGeometry, 'padding'>,
): Padding {
  if (mode === 'VALID') return [0, 0, 0, 0];
  if (mode !== 'SAME_UPPER' && mode !== 'SAME_LOWER') throw node.unsupported(`auto_pad ${mode}`);
  const [top, left, bottom, right] = ops.samePadding(ops.spatial(x), window);
  return mode === 'SAME_UPPER' ? [top, left, bottom, right] : [bottom, right, top, left];
}

/** What is cut off a transposed convolution to a size: half at each end, and of an odd number the more at one. */
function cutPadding(total: readonly number[], mode: string): Padding {
  const less = total.map((n) => Math.floor(n / 2)) as [number, number];
  const more = total.map((n) => Math.ceil(n / 2)) as [number, number];
  return mode === 'SAME_UPPER' ? [...less, ...more] : [...more, ...less];
}

/** Integers for height and width, `least` or more; by default the least. */
function pair(
  node: NodeContext,
  name: string,
  least = 1,
  given: readonly number[] = node.attributes.ints(name) ?? (isLine(node) ? [least] : [least, least]),
): Pair {
  const values = isLine(node) ? [least, ...given] : given;
  if (values.length === 2 && values.every((n) => n >= least && n < 2 ** 31)) return values as unknown as Pair;
  throw node.unsupported(
    `${name} [${given}] instead of ${isLine(node) ? 'a number' : 'two numbers'} of ${least} or more`,
  );
}

/** The window of a pooling operator; `isCut` if windows at the end reach beyond image and padding. */
function poolOf(node: NodeContext): { geometry: PoolingGeometry; isCut: boolean } {
  const x = image(node, 0);
  if (!node.attributes.ints('kernel_shape')) throw damaged('it has no kernel_shape');
  const geometry = windowOf(node, x, pair(node, 'kernel_shape'));
  if (node.attributes.int('ceil_mode', 0) === 0) return { geometry, isCut: false };
  const { kernelSize, stride, dilation, padding } = geometry;
  const beyond = ops.spatial(x).map((n, i) => {
    const padded = n + padding[i]! + padding[i + 2]!;
    const extent = (kernelSize[i]! - 1) * dilation[i]! + 1;
    const count = Math.ceil((padded - extent) / stride[i]!) + 1;
    // The last window starts within image or padding before it.
    const started = (count - 1) * stride[i]! >= n + padding[i]! ? count - 1 : count;
    return Math.max(0, (started - 1) * stride[i]! + extent - padded);
  }) as [number, number];
  const [top, left, bottom, right] = padding;
  const grown = [top, left, bottom + beyond[0], right + beyond[1]] as const;
  return { geometry: { ...geometry, padding: grown }, isCut: beyond.some((n) => n > 0) };
}
