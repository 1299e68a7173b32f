// Additions that a convolution or a matrix product does on the side.

import { isOp, sameShape, type Tensor } from '@bn/core';
import type { Lowering } from '../lowering.js';
import { convolve } from './convolution.js';
import { multiply } from './matmul.js';

/**
 * conv2d + bias of shape [channels, 1, 1] or [1, channels, 1, 1], and rank-2 matmul + anything that broadcasts, as one
 * operator; undefined for other additions. The product must have no other user, else it would be computed twice.
 */
export function addBias(node: Tensor<'add'>, to: Lowering): string | undefined {
  const [a, b] = node.inputs as [Tensor, Tensor];
  for (const [product, bias] of [
    [a, b],
    [b, a],
  ] as const) {
    if (!to.hasOneUser(product) || !sameShape(product.shape, node.shape)) continue;
    if (isOp(product, 'conv2d')) {
      const perChannel = biasPerChannel(bias, product.shape[1]!, to);
      if (perChannel) return to.at(product, () => convolve(product, to, perChannel));
    }
    if (isOp(product, 'matmul') && product.shape.length === 2) {
      return to.at(product, () => multiply(product, to, to.operand(bias).name));
    }
  }
  return undefined;
}

function biasPerChannel(bias: Tensor, channels: number, to: Lowering): string | undefined {
  const { name, shape } = to.operand(bias);
  const aligned = [...Array<number>(4 - shape.length).fill(1), ...shape];
  if (!sameShape(aligned, [1, channels, 1, 1])) return undefined;
  const source = isOp(bias, 'reshape') ? bias.inputs[0]! : bias;
  return sameShape(source.shape, [channels]) ? to.value(source) : to.reshape(name, [channels]);
}
