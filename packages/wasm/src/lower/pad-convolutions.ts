// Convolutions on padded copies of their images: loops without tests at the edges, where that computes little more.

import { type Graph, isOp, ops, type Tensor } from '@bn/core';
import { replaceNodes } from './replace-nodes.js';

/** Products with padding per product without, up to which testing is the dearer. */
const mostWaste = 1.3;

export function padConvolutions(graph: Graph): Graph {
  return replaceNodes(graph, (_, copy) => padded(copy));
}

function padded(node: Tensor): Tensor | null {
  const none = [0, 0, 0, 0] as const;
  if (isOp(node, 'conv2d') && hasPadding(node.attributes)) {
    const [x, w] = node.inputs;
    return ops.conv2d(pad(x, node.attributes.padding), w, { ...node.attributes, padding: none });
  }
  if (isOp(node, 'conv2dFilterGradient') && hasPadding(node.attributes)) {
    const [x, dy] = node.inputs;
    return ops.conv2dFilterGradient(pad(x, node.attributes.padding), dy, { ...node.attributes, padding: none });
  }
  return isOp(node, 'conv2dInputGradient') ? paddedInputGradient(node) : null;
}

/**
 * Window t + padding − k·dilation of dy exists for all t and k once dy has (kernel − 1)·dilation zeros more. With strides
 * there are zeros between windows too: more products, but in loops that run several times as fast.
 */
function paddedInputGradient(node: Tensor<'conv2dInputGradient'>): Tensor | null {
  const [, w] = node.inputs;
  const { stride, padding, dilation, inputSize } = node.attributes;
  const dy = spread(node.inputs[0], stride);
  const reach = [0, 1].map((i) => (w.shape[i + 2]! - 1) * dilation[i]);
  const before = [0, 1].map((i) => reach[i] - padding[i]);
  const after = [0, 1].map((i) => inputSize[i] + reach[i] - before[i] - dy.shape[i + 2]!);
  const waste = (inputSize[0] * inputSize[1]) / (dy.shape[2]! * dy.shape[3]!);
  if ([...before, ...after].some((n) => n < 0) || (dy === node.inputs[0] && waste > mostWaste)) return null;
  const wider = pad(dy, [before[0], before[1], after[0], after[1]]);
  if (wider === node.inputs[0]) return null;
  return ops.conv2dInputGradient(wider, w, {
    ...node.attributes,
    stride: [1, 1],
    padding: [reach[0], reach[1], reach[0], reach[1]],
  });
}

/** dy with zeros between its elements, as if windows had been taken at every place. */
function spread(dy: Tensor, [rows, columns]: readonly [number, number]): Tensor {
  if (rows === 1 && columns === 1) return dy;
  const [batch, channels, height, width] = dy.shape as number[];
  const apart = ops.pad(
    ops.reshape(dy, [batch, channels, height, 1, width, 1]),
    [0, 0, 0, 0, 0, 0],
    [0, 0, 0, rows - 1, 0, columns - 1],
  );
  const joined = ops.reshape(apart, [batch, channels, height * rows, width * columns]);
  return ops.slice(joined, [0, 0, 0, 0], [batch, channels, (height - 1) * rows + 1, (width - 1) * columns + 1]);
}

function hasPadding({ padding }: { padding: readonly number[] }): boolean {
  return padding.some((n) => n > 0);
}

function pad(x: Tensor, [top, left, bottom, right]: readonly number[]): Tensor {
  return ops.pad(x, [0, 0, top, left], [0, 0, bottom, right]);
}
