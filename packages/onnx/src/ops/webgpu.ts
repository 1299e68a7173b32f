// Detours around kernels of ONNX Runtime 1.30's WebGPU provider that give wrong numbers or fail.

import type { Tensor } from '@bn/core';
import type { Lowering } from '../lowering.js';
import { size } from './window.js';

/**
 * Operands of a convolution, with zero channels added where the kernel goes wrong: when input channels divide by 3 but
 * not by 4, are more than 3, and output channels divide by 4 (microsoft/onnxruntime#29651).
 */
export function convolutionOperands(node: Tensor<'conv2d'>, to: Lowering): string[] {
  const operands = to.operandValues(node);
  const [channels, out] = [node.inputs[0]!.shape[1]!, node.shape[1]!];
  const wrong =
    node.attributes.groups === 1 && channels % 3 === 0 && channels % 4 !== 0 && channels > 3 && out % 4 === 0;
  return wrong ? operands.map((x) => padChannels(x, 4 - (channels % 4), to)) : operands;
}

/**
 * The transposed convolution of several output channels per group to a single one is wrong: computes it to two, the
 * second of them zero, and drops that. Undefined for nodes that need no detour.
 */
export function singleChannelInputGradient(
  node: Tensor<'conv2dInputGradient'>,
  transposed: (dy: string, filter: string) => string,
  to: Lowering,
): string | undefined {
  const [dy, filter] = node.inputs as [Tensor, Tensor];
  const { groups } = node.attributes;
  if (groups === 1 || filter.shape[1] !== 1 || filter.shape[0] === groups) return undefined;
  const both = transposed(to.value(dy), padChannels(to.value(filter), 1, to));
  const grouped = to.reshape(both, [null, groups, 2, ...size(node)]);
  return to.reshape(to.slice(grouped, [0], [1], [2]), node.shape);
}

function padChannels(images: string, count: number, to: Lowering): string {
  return to.emit('Pad', [images, to.int64([0, 0, 0, 0, 0, count, 0, 0])]);
}
