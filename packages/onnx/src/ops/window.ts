// Geometry that convolutions and pooling share.

import type { ConvolutionGeometry, Tensor } from '@bn/core';
import type { Lowering } from '../lowering.js';

export type Window = Omit<ConvolutionGeometry, 'groups'>;

/** [height, width]. */
export type Size = readonly [number, number];

/** ONNX has padding in the same order as core: all beginnings, then all ends. Its defaults are left out. */
export function windowAttributes({ stride, padding, dilation }: Window) {
  return {
    ...(stride.some((n) => n !== 1) ? { strides: stride } : {}),
    ...(padding.some((n) => n !== 0) ? { pads: padding } : {}),
    ...(dilation.some((n) => n !== 1) ? { dilations: dilation } : {}),
  };
}

/** For ConvTranspose, whose output padding are the image's last rows and columns (padding included) that no window reaches. */
export function transposedAttributes(image: Size, positions: Size, kernel: Size, window: Window) {
  const { stride, padding, dilation } = window;
  const output_padding = [0, 1].map((i) => {
    const extent = (kernel[i]! - 1) * dilation[i]! + 1;
    return image[i]! + padding[i]! + padding[i + 2]! - extent - (positions[i]! - 1) * stride[i]!;
  });
  return { ...windowAttributes(window), output_padding };
}

/** Height and width of images or filters. */
export function size(x: Tensor): Size {
  return [x.shape[2]!, x.shape[3]!];
}

/** Images [..., ..., height, width] with a border that never is the largest. */
export function padWithLowest(images: string, padding: Window['padding'], to: Lowering): string {
  const [top, left, bottom, right] = padding;
  if (padding.every((n) => n === 0)) return images;
  const amounts = to.int64([0, 0, top, left, 0, 0, bottom, right]);
  return to.emit('Pad', [images, amounts, to.scalar(Number.NEGATIVE_INFINITY)]);
}

export function area([height, width]: Size): number {
  return height * width;
}
