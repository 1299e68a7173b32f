// Convolutions on padded copies of their images: loops without tests at the edges, where that computes little more.

import { isOp, ops, type Tensor } from '@bn/core';
import { isCovered } from '../rules/contraction.js';
import type { Replacement } from './replace-nodes.js';

/** Above this ratio of padded to unpadded products, testing the edges is cheaper. */
const mostWaste = 1.3;

export const padConvolution: Replacement = (_, node) => {
  const none = [0, 0, 0, 0] as const;
  if (isOp(node, 'conv2d') && hasPadding(node.attributes)) {
    const [x, w] = node.inputs;
    if (isCovered(x.shape.slice(2) as number[], w.shape.slice(2) as number[], node.attributes)) return null;
    return ops.conv2d(pad(x, node.attributes.padding), w, { ...node.attributes, padding: none });
  }
  if (isOp(node, 'conv2dFilterGradient') && hasPadding(node.attributes)) {
    const [x, dy] = node.inputs;
    return ops.conv2dFilterGradient(pad(x, node.attributes.padding), dy, { ...node.attributes, padding: none });
  }
  return isOp(node, 'conv2dInputGradient') ? paddedInputGradient(node) : null;
};

/**
 * Element t of the image is tap k of window (t + padding − k·dilation) / stride, where that is whole. Those windows
 * exist for all t and k once dy has enough zeros around it.
 */
function paddedInputGradient(node: Tensor<'conv2dInputGradient'>): Tensor | null {
  const [dy, w] = node.inputs;
  const { stride, padding, dilation, inputSize } = node.attributes;
  if (stride.every((n) => n === 1) && isCovered(inputSize, w.shape.slice(2) as number[], node.attributes)) return null;
  const sides = [0, 1].map((i) => {
    const [windows, reach] = [dy.shape[i + 2]!, (w.shape[i + 2]! - 1) * dilation[i]];
    const before = Math.floor((reach - padding[i]) / stride[i]);
    const after = Math.floor((inputSize[i] - 1 + padding[i]) / stride[i]) - (windows - 1);
    const start = padding[i] + Math.max(before, 0) * stride[i];
    // So much that the wider dy has as many windows as it should; what there is, if it is not wider.
    const end =
      after > 0
        ? (windows + Math.max(before, 0) + after - 1) * stride[i] + reach + 1 - inputSize[i] - start
        : padding[i + 2];
    return { before: Math.max(before, 0), after: Math.max(after, 0), start, end, exact: before >= 0 && after >= 0 };
  });
  const [rows, columns] = sides;
  const wider = pad(dy, [rows.before, columns.before, rows.after, columns.after]);
  const isStrided = stride.some((n) => n > 1);
  const waste = (inputSize[0] * inputSize[1]) / (dy.shape[2]! * dy.shape[3]!);
  if (wider === dy || sides.some(({ end }) => end < 0)) return null;
  if (!isStrided && (waste > mostWaste || sides.some(({ exact }) => !exact))) return null;
  return ops.conv2dInputGradient(wider, w, {
    ...node.attributes,
    padding: [rows.start, columns.start, rows.end, columns.end],
  });
}

function hasPadding({ padding }: { padding: readonly number[] }): boolean {
  return padding.some((n) => n > 0);
}

function pad(x: Tensor, [top, left, bottom, right]: readonly number[]): Tensor {
  return ops.pad(x, [0, 0, top, left], [0, 0, bottom, right]);
}
