// The gradient of a convolution with respect to its filter, as one matrix product of gathered windows with dy.
//
// Pixels become lines of `batch` elements, so that Gather copies long runs. That is twice as fast on a CPU as a
// convolution in which batch and channels have changed places.

import type { Tensor } from '@bn/core';
import type { Lowering } from '../lowering.js';
import { area, type Size, size } from './window.js';

type FilterGradient = Tensor<'conv2dFilterGradient'>;

/** Up to this many output channels the product is so slim that gathering is most of the work. */
const fewChannels = 16;

/** Elements of the gathered windows, above which they would take too much memory: 256 MB. */
const largestColumns = 2 ** 26;

/** Whether `filterGradientByColumns` takes this node. */
export function columnsFit({ inputs: [x, dy], attributes: { kernelSize, groups } }: FilterGradient): boolean {
  const elements = (x!.shape[0] ?? 1) * x!.shape[1]! * area(kernelSize) * area(size(dy!));
  return groups === 1 && elements <= largestColumns;
}

export function filterGradientByColumns(node: FilterGradient, to: Lowering): string {
  const [x, dy] = node.inputs as [Tensor, Tensor];
  const { kernelSize, stride, dilation } = node.attributes;
  const [channels, out] = [x.shape[1]!, dy.shape[1]!];
  // Windows of 2 × 2 neighbouring outputs together overlap, and so are fewer elements to gather.
  const tile = pair((i) => (out <= fewChannels && dilation[i] === 1 && size(dy)[i] % 2 === 0 ? 2 : 1));
  const reach = pair((i) => kernelSize[i] + stride[i] * (tile[i] - 1));
  const windows = to.reshape(gatherWindows(node, tile, reach, to), [channels * area(reach), null]);
  const slopes = to.reshape(gatherTiles(dy, tile, to), [out * area(tile), null]);
  // In this order of factors, and reshaped before it is transposed, the product is fastest.
  const products = to.emit('Gemm', [windows, slopes], { transB: 1 });
  if (area(tile) === 1) return to.transpose(to.reshape(products, [channels, ...kernelSize, out]), [3, 0, 1, 2]);
  const perOutput = to.transpose(to.reshape(products, [channels, area(reach), out, area(tile)]), [2, 0, 3, 1]);
  const perTap = to.reshape(perOutput, [out * channels, area(tile) * area(reach)]);
  return to.reshape(to.emit('MatMul', [perTap, tapSums(tile, reach, node, to)]), node.shape);
}

/** Lines of x, by channel, tap and tile of outputs; zeros where a tap is outside the image. */
function gatherWindows(node: FilterGradient, tile: Size, reach: Size, to: Lowering): string {
  const [x, dy] = node.inputs as [Tensor, Tensor];
  const { stride, padding, dilation } = node.attributes;
  const [height, width] = size(x);
  const outside = x.shape[1]! * height * width;
  const tiles = pair((i) => size(dy)[i] / tile[i]);
  const indices: number[] = [];
  for (const [channel, u, v, i, j] of counting(x.shape[1]!, ...reach, ...tiles)) {
    const row = i! * tile[0] * stride[0] - padding[0] + u! * dilation[0];
    const column = j! * tile[1] * stride[1] - padding[1] + v! * dilation[1];
    const inside = row >= 0 && row < height && column >= 0 && column < width;
    indices.push(inside ? (channel! * height + row) * width + column : outside);
  }
  const padded = indices.includes(outside);
  const pixels = padded ? to.emit('Pad', [lines(x, to), to.int64([0, 0, 1, 0])]) : lines(x, to);
  return gatherLines(pixels, indices, to);
}

/** Lines of dy, by channel, position in the tile, and tile. */
function gatherTiles(dy: Tensor, tile: Size, to: Lowering): string {
  if (area(tile) === 1) return lines(dy, to);
  const [rows, columns] = size(dy);
  const indices: number[] = [];
  for (const [channel, a, b, i, j] of counting(dy.shape[1]!, ...tile, rows / tile[0], columns / tile[1])) {
    indices.push((channel! * rows + i! * tile[0] + a!) * columns + j! * tile[1] + b!);
  }
  // A Transpose would be merged with the one in `lines` into a slow one.
  return gatherLines(lines(dy, to), indices, to);
}

/** [tile · reach, kernel], 1 where output (i, j) of a tile meets kernel tap (a, b): at (i · stride + a, j · stride + b). */
function tapSums(tile: Size, reach: Size, { attributes }: FilterGradient, to: Lowering): string {
  const { kernelSize, stride } = attributes;
  const sums = new Float32Array(area(tile) * area(reach) * area(kernelSize));
  for (const [i, j, a, b] of counting(...tile, ...kernelSize)) {
    const output = i! * tile[1] + j!;
    const tap = (i! * stride[0] + a!) * reach[1] + j! * stride[1] + b!;
    sums[(output * area(reach) + tap) * area(kernelSize) + a! * kernelSize[1] + b!] = 1;
  }
  return to.constant(sums, 'float32', [area(tile) * area(reach), area(kernelSize)]);
}

/** Images as [channels · height · width, batch]. */
function lines(images: Tensor, to: Lowering): string {
  const [channels, height, width] = images.shape.slice(1) as [number, number, number];
  return to.reshape(to.transpose(to.value(images), [1, 2, 3, 0]), [channels * height * width, null]);
}

function gatherLines(from: string, indices: readonly number[], to: Lowering): string {
  return to.emit('Gather', [from, to.constant(Int32Array.from(indices), 'int32', [indices.length])], { axis: 0 });
}

/** Every index into an array of these sizes, in row-major order. */
function* counting(...sizes: readonly number[]): Generator<readonly number[]> {
  const index = sizes.map(() => 0);
  for (let axis = 0; axis >= 0; ) {
    yield index;
    for (axis = sizes.length - 1; axis >= 0 && ++index[axis]! === sizes[axis]; axis--) index[axis] = 0;
  }
}

function pair(of: (axis: 0 | 1) => number): [number, number] {
  return [of(0), of(1)];
}
