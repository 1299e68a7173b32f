// Pooling and its gradients. What ONNX has no operator for works on images of one channel, [batch · channels, 1, height, width].

import { type AveragePoolingGeometry, ops, type PoolingAttributes, type PoolingGeometry, type Tensor } from '@bn/core';
import type { Lowering } from '../lowering.js';
import type { Rules } from '../rules.js';
import { gatherTaps, scatterTaps } from './taps.js';
import { cover, earliness, fillTiles, isTiling, uncover } from './tiles.js';
import { area, padWithLowest, type Size, size, transposedAttributes, windowAttributes } from './window.js';

export const pooling: Rules<keyof PoolingAttributes> = {
  avgPool2d: (node, to) => {
    const { kernelSize, countIncludesPadding, ...window } = node.attributes;
    const x = node.inputs[0]!;
    // Opset 17's AveragePool has no dilation.
    if (paddingIsInside(node.attributes) && window.dilation.every((n) => n === 1)) {
      return to.emit('AveragePool', [to.value(x)], {
        kernel_shape: kernelSize,
        ...windowAttributes(window),
        ...(countIncludesPadding ? { count_include_pad: 1 } : {}),
      });
    }
    const sums = to.emit('Conv', [planes(x, to), ones(kernelSize, to)], windowAttributes(window));
    return to.reshape(to.emit('Mul', [sums, shares(size(node), size(x), node.attributes, to)]), node.shape);
  },
  avgPool2dGradient: (node, to) => {
    const { kernelSize, countIncludesPadding: _, inputSize, ...window } = node.attributes;
    const dy = node.inputs[0]!;
    const share = shares(size(dy), inputSize, node.attributes, to);
    if (isTiling(node.attributes)) {
      const filled = fillTiles(to.emit('Mul', [to.value(dy), share]), kernelSize, to);
      return uncover(filled, inputSize, size(dy), kernelSize, to);
    }
    const operands = [to.emit('Mul', [planes(dy, to), share]), ones(kernelSize, to)];
    const transposed = transposedAttributes(inputSize, size(dy), kernelSize, window);
    return to.reshape(to.emit('ConvTranspose', operands, transposed), node.shape);
  },
  maxPool2d: (node, to) => {
    const { kernelSize, padding, ...window } = node.attributes;
    const x = to.value(node.inputs[0]!);
    const inside = paddingIsInside(node.attributes);
    return to.emit('MaxPool', [inside ? x : padWithLowest(x, padding, to)], {
      kernel_shape: kernelSize,
      ...windowAttributes({ ...window, padding: inside ? padding : [0, 0, 0, 0] }),
    });
  },
  // The first largest tap of each window gets dy. Each element of the result has one writer: where windows overlap, no
  // threads race.
  maxPool2dGradient: (node, to) =>
    isTiling(node.attributes) ? tiledMaxPoolGradient(node, to) : overlappingMaxPoolGradient(node, to),
};

function tiledMaxPoolGradient(node: Tensor<'maxPool2dGradient'>, to: Lowering): string {
  const [x, dy] = node.inputs as [Tensor, Tensor];
  const { kernelSize } = node.attributes;
  const largest = (images: string) => {
    const y = to.emit('MaxPool', [images], { kernel_shape: kernelSize, strides: kernelSize });
    return fillTiles(y, kernelSize, to);
  };
  const covered = cover(x, size(dy), kernelSize, to);
  const isLargest = to.emit('Equal', [covered, largest(covered)]);
  const rank = to.emit('Where', [isLargest, earliness(size(dy), kernelSize, to), to.scalar(0)]);
  const isFirst = to.emit('Equal', [rank, largest(rank)]);
  const dx = to.emit('Where', [isFirst, fillTiles(to.value(dy), kernelSize, to), to.scalar(0)]);
  return uncover(dx, size(x), size(dy), kernelSize, to);
}

function overlappingMaxPoolGradient(node: Tensor<'maxPool2dGradient'>, to: Lowering): string {
  const [x, dy] = node.inputs as [Tensor, Tensor];
  const count = area(node.attributes.kernelSize);
  const taps = gatherTaps(x, size(dy), node.attributes, to);
  const isLargest = to.emit('Equal', [taps, to.emit('ReduceMax', [taps], { axes: [1] })]);
  // ArgMax would do, but WebGPU has none.
  const numbers = Float32Array.from({ length: count }, (_, i) => i);
  const number = to.constant(numbers, 'float32', [count, 1]);
  const first = to.emit('ReduceMin', [to.emit('Where', [isLargest, number, to.scalar(count)])], { axes: [1] });
  const isFirst = to.emit('Equal', [number, first]);
  const chosen = to.emit('Where', [isFirst, to.reshape(to.value(dy), [null, 1, area(size(dy))]), to.scalar(0)]);
  return to.reshape(scatterTaps(chosen, size(x), size(dy), node.attributes, to), node.shape);
}

/** Whether runtimes take the padding of a pooling operator: less than the kernel on each side. */
function paddingIsInside({ kernelSize, padding }: PoolingGeometry): boolean {
  return padding.every((n, i) => n < kernelSize[i % 2]!);
}

function planes(x: Tensor, to: Lowering): string {
  return to.reshape(to.value(x), [null, 1, ...size(x)]);
}

function ones([height, width]: Size, to: Lowering): string {
  return to.constant(new Float32Array(height * width).fill(1), 'float32', [1, 1, height, width]);
}

/** 1 / (number of elements that are averaged), per window position unless it is the same everywhere. */
function shares(positions: Size, image: Size, geometry: AveragePoolingGeometry, to: Lowering): string {
  const { kernelSize, padding, countIncludesPadding } = geometry;
  if (countIncludesPadding || padding.every((n) => n === 0)) return to.scalar(1 / area(kernelSize));
  const inside = (axis: 0 | 1) => ops.tapsOnImage(axis, geometry, image[axis], positions[axis]);
  const columns = inside(1);
  const each = inside(0).flatMap((r) => columns.map((c) => 1 / (r * c)));
  return to.constant(Float32Array.from(each), 'float32', positions);
}
