// Convolution and its gradients.

import type { ConvolutionAttributes, ConvolutionGeometry, Tensor } from '@bn/core';
import type { Lowering } from '../lowering.js';
import type { Rules } from '../rules.js';
import { columnsFit, filterGradientByColumns } from './filter-gradient.js';
import { convolutionOperands, singleChannelInputGradient } from './webgpu.js';
import { size, transposedAttributes, type Window, windowAttributes } from './window.js';

export const convolution: Rules<keyof ConvolutionAttributes> = {
  conv2d: (node, to) => convolve(node, to),
  conv2dInputGradient: (node, to) =>
    isWide(node) ? inputGradientByConvolution(node, to) : inputGradientByTransposition(node, to),
  conv2dFilterGradient: (node, to) =>
    columnsFit(node) ? filterGradientByColumns(node, to) : filterGradientByConvolution(node, to),
};

/** A convolution, plus a bias [channels]. */
export function convolve(node: Tensor<'conv2d'>, to: Lowering, bias?: string): string {
  const operands = to.provider === 'webgpu' ? convolutionOperands(node, to) : to.operandValues(node);
  return to.emit('Conv', bias === undefined ? operands : [...operands, bias], attributes(node.attributes));
}

type InputGradient = Tensor<'conv2dInputGradient'>;

// ConvTranspose has filters as [in, out / groups, …]: those of the convolution that it is the transpose of.
function inputGradientByTransposition(node: InputGradient, to: Lowering): string {
  const [dy, filter] = node.inputs as [Tensor, Tensor];
  const { inputSize, ...geometry } = node.attributes;
  const window = transposedAttributes(inputSize, size(dy), size(filter), geometry);
  const transposed = (...operands: string[]) =>
    to.emit('ConvTranspose', operands, { ...attributes(geometry), ...window });
  const detour = to.provider === 'webgpu' ? singleChannelInputGradient(node, transposed, to) : undefined;
  return detour ?? transposed(to.value(dy), to.value(filter));
}

/**
 * Whether a convolution with the reversed filter computes the gradient, and faster: ONNX Runtime's CPU kernels block
 * channels by 16 in Conv, but not in ConvTranspose.
 */
function isWide({ inputs: [dy, filter], shape, attributes: { stride, groups, ...rest } }: InputGradient): boolean {
  const [channels, out] = [shape[1]!, dy!.shape[1]!];
  const isPlain = groups === 1 && stride.every((n) => n === 1) && reversedPadding(filter!, rest).every((n) => n >= 0);
  return isPlain && channels % 16 === 0 && out % 16 === 0;
}

function inputGradientByConvolution(node: InputGradient, to: Lowering): string {
  const [dy, filter] = node.inputs as [Tensor, Tensor];
  const { dilation } = node.attributes;
  const reversed = to.slice(to.value(filter), [-1, -1], [-beyond, -beyond], [2, 3], [-1, -1]);
  const window: Window = { stride: [1, 1], dilation, padding: reversedPadding(filter, node.attributes) };
  return to.emit('Conv', [to.value(dy), to.transpose(reversed, [1, 0, 2, 3])], windowAttributes(window));
}

/** Further than any kernel reaches: where a slice backwards ends that includes the first element. */
const beyond = 2 ** 31;

function reversedPadding(filter: Tensor, { padding, dilation }: Omit<Window, 'stride'>): Window['padding'] {
  const [top, left, bottom, right] = padding;
  const [rows, columns] = size(filter).map((n, i) => (n - 1) * dilation[i]!) as [number, number];
  return [rows - top, columns - left, rows - bottom, columns - right];
}

/** A convolution of x with dy in which the batch takes the place of the channels, and stride that of dilation. */
function filterGradientByConvolution(node: Tensor<'conv2dFilterGradient'>, to: Lowering): string {
  const { kernelSize, stride, dilation, padding, groups } = node.attributes;
  const [x, dy] = node.inputs as [Tensor, Tensor];
  const operands = [batchAsChannels(x, groups, to), to.transpose(to.value(dy), [1, 0, 2, 3])];
  const all = to.emit('Conv', operands, attributes({ stride: dilation, dilation: stride, padding, groups }));
  // Rows and columns of x that the stride never reached give taps beyond the kernel.
  return to.transpose(to.slice(all, [0, 0], kernelSize, [2, 3]), [1, 0, 2, 3]);
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
