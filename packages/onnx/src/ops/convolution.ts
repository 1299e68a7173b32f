// Convolution and its gradients.

import type { ConvolutionAttributes, ConvolutionGeometry, Tensor } from '@bn/core';
import type { Lowering } from '../lowering.js';
import type { Rules } from '../rules.js';
import { size, unreached, windowAttributes } from './window.js';

export const convolution: Rules<keyof ConvolutionAttributes> = {
  conv2d: (node, to) => convolve(node, to),
  // ConvTranspose has filters as [in, out / groups, …]: those of the convolution that it is the transpose of.
  conv2dInputGradient: (node, to) => {
    const [dy, filter] = node.inputs as [Tensor, Tensor];
    const { inputSize, ...geometry } = node.attributes;
    return to.emit('ConvTranspose', [to.value(dy), to.value(filter)], {
      ...attributes(geometry),
      output_padding: unreached(inputSize, size(dy), size(filter), geometry),
    });
  },
  conv2dFilterGradient: (node, to) => {
    const { kernelSize, stride, dilation, padding, groups } = node.attributes;
    const [x, dy] = node.inputs as [Tensor, Tensor];
    // A convolution of x with dy in which the batch takes the place of the channels, and stride that of dilation.
    const all = to.emit('Conv', [batchAsChannels(x, groups, to), to.transpose(to.value(dy), [1, 0, 2, 3])], {
      ...attributes({ stride: dilation, dilation: stride, padding, groups }),
    });
    // Rows and columns of x that the stride never reached give taps beyond the kernel.
    return to.transpose(to.slice(all, [0, 0], kernelSize, [2, 3]), [1, 0, 2, 3]);
  },
};

/** A convolution, plus a bias [channels]. */
export function convolve(node: Tensor<'conv2d'>, to: Lowering, bias?: string): string {
  const operands = node.inputs.map((x) => to.value(x));
  return to.emit('Conv', bias === undefined ? operands : [...operands, bias], attributes(node.attributes));
}

/** [batch, groups · channels, height, width] → [channels, groups · batch, height, width]. */
function batchAsChannels(x: Tensor, groups: number, to: Lowering): string {
  if (groups === 1) return to.transpose(to.value(x), [1, 0, 2, 3]);
  const [batch, channels] = x.shape as [number, number];
  const grouped = to.reshape(to.value(x), [batch, groups, channels / groups, ...size(x)]);
  return to.reshape(to.transpose(grouped, [2, 1, 0, 3, 4]), [channels / groups, groups * batch, ...size(x)]);
}

function attributes({ groups, ...geometry }: ConvolutionGeometry) {
  return { ...windowAttributes(geometry), ...(groups === 1 ? {} : { group: groups }) };
}
