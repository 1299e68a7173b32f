// Convolution and pooling. ONNX has pads as core has padding: all beginnings, then all ends.

import { formatShape, ops, type PoolingGeometry, type Tensor } from '@bn/core';
import { damaged } from '../damaged.js';
import type { NodeContext } from '../node-context.js';
import type { ImportRules } from '../rules.js';

type Pair = readonly [number, number];
type Padding = PoolingGeometry['padding'];

export const convolution: ImportRules = {
  Conv: (node) => {
    const [x, weight] = [image(node, 0), image(node, 1)];
    const groups = node.attributes.int('group', 1);
    if (!(groups >= 1)) throw damaged(`group ${groups} makes no sense`);
    const { kernelSize: _, ...window } = windowOf(node, x, ops.spatial(weight));
    const y = ops.conv2d(x, weight, { ...window, groups });
    return node.has(2) ? ops.add(y, ops.reshape(node.tensor(2), [1, y.shape[1]!, 1, 1])) : y;
  },
  MaxPool: (node) => ops.maxPool2d(image(node, 0), poolOf(node).geometry),
  AveragePool: (node) => {
    const { geometry, isCut } = poolOf(node);
    const countIncludesPadding = node.attributes.int('count_include_pad', 0) !== 0;
    // Windows that reach beyond the padding are averaged over what is within.
    if (isCut && countIncludesPadding) throw node.unsupported('ceil_mode together with count_include_pad');
    return ops.avgPool2d(image(node, 0), { ...geometry, countIncludesPadding });
  },
  GlobalAveragePool: (node) => ops.mean(image(node, 0), [2, 3], { keepDims: true }),
  GlobalMaxPool: (node) => ops.max(image(node, 0), [2, 3], { keepDims: true }),
};

function image(node: NodeContext, i: number): Tensor {
  const x = node.tensor(i);
  if (x.shape.length === 4) return x;
  throw node.unsupported(`its input ${i} has the shape ${formatShape(x.shape)}, not four axes as images have`);
}

function windowOf(node: NodeContext, x: Tensor, kernelSize: Pair): PoolingGeometry {
  const stride = pair(node, 'strides');
  const dilation = pair(node, 'dilations');
  const mode = node.attributes.string('auto_pad', 'NOTSET');
  const pads = node.attributes.ints('pads') ?? [0, 0, 0, 0];
  if (pads.length !== 4 || !pads.every((n) => n >= 0 && n < 2 ** 31)) throw node.unsupported(`pads [${pads}]`);
  const window = { kernelSize, stride, dilation };
  const padding = mode === 'NOTSET' ? (pads as unknown as Padding) : automaticPadding(node, mode, x, window);
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

/** Two positive integers, by default 1. */
function pair(node: NodeContext, name: string): Pair {
  const values = node.attributes.ints(name) ?? [1, 1];
  if (values.length === 2 && values.every((n) => n >= 1 && n < 2 ** 31)) return values as unknown as Pair;
  throw node.unsupported(`${name} [${values}] instead of two numbers above 0`);
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
