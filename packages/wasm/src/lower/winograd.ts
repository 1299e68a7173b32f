// Convolutions with stride 1 by the algorithm of Winograd (Toom and Cook) along rows: m results of a row from m + K − 1
// products instead of m·K. Transforms become elementwise operations, and the products a convolution with a kernel one
// element wide, whose groups are the points.

import { type ConvolutionGeometry, type Graph, isOp, ops, type Tensor } from '@bn/core';
import type { LaneAxes } from './lane-axes.js';
import { replaceNodes } from './replace-nodes.js';

/**
 * For outputs y[j] = Σ_k d[j + k]·w[k], j < m: y = Aᵀ·(G·w ⊙ Bᵀ·d), with a row of Bᵀ and G and a column of Aᵀ for each
 * point; the last point is infinity.
 */
interface Transform {
  /** Results of a tile. */
  readonly m: number;
  /** [points][points] */
  readonly b: readonly (readonly number[])[];
  /** [points][K] */
  readonly g: readonly (readonly number[])[];
  /** [points][m] */
  readonly a: readonly (readonly number[])[];
}

/** The graph with such convolutions replaced where that saves work; lanes have to be on the batch. */
export function winograd(graph: Graph, lanes: LaneAxes): Graph {
  return replaceNodes(graph, (node, copy) => {
    if (lanes.get(node.inputs[0]) !== 0) return null;
    if (isOp(copy, 'conv2d')) return forward(copy);
    if (isOp(copy, 'conv2dInputGradient')) return inputGradient(copy);
    return isOp(copy, 'conv2dFilterGradient') ? filterGradient(copy) : null;
  });
}

/** y = Aᵀ·Σ (G·w ⊙ Bᵀ·x) over channels and rows of the kernel */
function forward(node: Tensor<'conv2d'>): Tensor | null {
  const [x, w] = node.inputs;
  const transform = isPlain(node.attributes) ? transformFor(x, w.shape as number[], node) : null;
  if (!transform) return null;
  const products = ops.conv2d(imagePoints(x, transform), filterPoints(w, transform), groupsOf(transform));
  return results(products, transform);
}

/** dw = Gᵀ·Σ (Bᵀ·x ⊙ A·dy) over images and rows */
function filterGradient(node: Tensor<'conv2dFilterGradient'>): Tensor | null {
  const [x, dy] = node.inputs;
  const transform = isPlain(node.attributes) ? transformFor(x, node.shape as number[], dy) : null;
  if (!transform) return null;
  const kernelSize = [node.shape[2]!, 1] as const;
  const attributes = { ...groupsOf(transform), kernelSize };
  const products = ops.conv2dFilterGradient(imagePoints(x, transform), gradientPoints(dy, transform), attributes);
  const points = partsOf(products, 0, transform.b.length);
  const taps = Array.from({ length: node.shape[3]! }, (_, k) =>
    combine(
      transform.g.map((row) => row[k]),
      points,
    ),
  );
  return ops.concat(taps, 3);
}

function inputGradient(node: Tensor<'conv2dInputGradient'>): Tensor | null {
  return isPlain(node.attributes) ? overlappingGradient(node) : paddedGradient(node);
}

/** dx = B·Σ (A·dy ⊙ G·w) over output channels and rows of the kernel; tiles overlap */
function overlappingGradient(node: Tensor<'conv2dInputGradient'>): Tensor | null {
  const [dy, w] = node.inputs;
  const transform = transformFor(node, w.shape as number[], dy, ({ m, b }) => b.length % m === 0);
  if (!transform) return null;
  const { m, b } = transform;
  const tiles = dy.shape[3]! / m;
  const attributes = { ...groupsOf(transform), inputSize: [node.shape[2]!, tiles] as const };
  const products = ops.conv2dInputGradient(gradientPoints(dy, transform), filterPoints(w, transform), attributes);
  // Element m·s + r of dx is element m·q + r of tile s − q; there are zeros beside the first and the last tile.
  const reach = b.length / m - 1;
  const wider = partsOf(ops.pad(products, [0, 0, 0, reach], [0, 0, 0, reach]), 1, b.length);
  const shifted = Array.from({ length: reach + 1 }, (_, q) =>
    wider.map((part) => within(part, 3, reach - q, tiles + reach)),
  );
  return woven(
    Array.from({ length: m }, (_, r) =>
      combine(
        shifted.flatMap((_, q) => b.map((row) => row[m * q + r])),
        shifted.flat(),
      ),
    ),
  );
}

/** With zeros around dy for every place of the kernel, it is a convolution with the kernel reversed. */
function paddedGradient(node: Tensor<'conv2dInputGradient'>): Tensor | null {
  const [dy, w] = node.inputs;
  const { stride, dilation, groups, padding } = node.attributes;
  const reach = [0, 1].map((i) => w.shape[i + 2]! - 1);
  const isWhole = padding.every((n, i) => n === reach[i % 2]) && dy.shape[3] === node.shape[3]! + reach[1];
  if (!isWhole || [...stride, ...dilation, groups].some((n) => n !== 1)) return null;
  const [out, channels, ...kernelSize] = w.shape as number[];
  const transform = transformFor(dy, [channels, out, ...kernelSize], node);
  if (!transform) return null;
  const inputSize = [node.shape[2]!, node.shape[3]! / transform.m] as const;
  const attributes = { ...groupsOf(transform), padding: [reach[0], 0, reach[0], 0] as const, inputSize };
  const reversed = { ...transform, g: transform.g.map((row) => [...row].reverse()) };
  return results(ops.conv2dInputGradient(imagePoints(dy, transform), filterPoints(w, reversed), attributes), transform);
}

/** Aᵀ·products, from [batch, points · channels, height, tiles] */
function results(products: Tensor, { m, a, b }: Transform): Tensor {
  const points = partsOf(products, 1, b.length);
  return woven(
    Array.from({ length: m }, (_, j) =>
      combine(
        a.map((column) => column[j]),
        points,
      ),
    ),
  );
}

/** Bᵀ·x: [batch, points · channels, height, tiles] */
function imagePoints(x: Tensor, { m, b }: Transform): Tensor {
  const [batch, channels, height, width] = x.shape as number[];
  const tiles = (width - b.length) / m + 1;
  const elements = b.map((_, i) => {
    // Element i of each tile is one of m that lie in a row, so that rows of tiles can be cut into them.
    const start = Math.min(i - (i % m), b.length - m);
    const columns = ops.reshape(within(x, 3, start, m * tiles), [batch, channels, height, tiles, m]);
    return ops.reshape(within(columns, 4, i - start, 1), [batch, channels, height, tiles]);
  });
  return ops.concat(
    b.map((row) => combineHalves(row, elements)),
    1,
  );
}

/** G·w: [points · out, in, kernelHeight, 1] */
function filterPoints(w: Tensor, { g }: Transform): Tensor {
  const taps = Array.from({ length: w.shape[3]! }, (_, k) => within(w, 3, k, 1));
  return ops.concat(
    g.map((row) => combine(row, taps)),
    0,
  );
}

/** A·dy: [batch, points · out, height, tiles] */
function gradientPoints(dy: Tensor, { m, a }: Transform): Tensor {
  const [batch, out, height, width] = dy.shape as number[];
  const columns = ops.reshape(dy, [batch, out, height, width / m, m]);
  const elements = Array.from({ length: m }, (_, j) =>
    ops.reshape(within(columns, 4, j, 1), [batch, out, height, width / m]),
  );
  return ops.concat(
    a.map((column) => combine(column, elements)),
    1,
  );
}

/** Elements of several tensors in turn along their last axis. */
function woven(elements: readonly Tensor[]): Tensor {
  const [{ shape }] = elements;
  const apart = elements.map((x) => ops.reshape(x, [...shape, 1]));
  return ops.reshape(ops.concat(apart, 4), [...shape.slice(0, 3), shape[3]! * elements.length]);
}

function partsOf(x: Tensor, axis: number, count: number): Tensor[] {
  const size = x.shape[axis]! / count;
  return Array.from({ length: count }, (_, i) => within(x, axis, i * size, size));
}

function within(x: Tensor, axis: number, start: number, size: number): Tensor {
  const all = x.shape as number[];
  return ops.slice(
    x,
    all.map((_, i) => (i === axis ? start : 0)),
    all.map((n, i) => (i === axis ? start + size : n)),
  );
}

/** Σ coefficient · tensor */
function combine(coefficients: readonly number[], tensors: readonly Tensor[]): Tensor {
  const terms = coefficients.flatMap((c, i) => (c === 0 ? [] : [{ c, x: tensors[i] }]));
  // A term that needs no multiplication first.
  const first = terms.find(({ c }) => c === 1) ?? terms[0];
  const rest = terms.filter((term) => term !== first);
  return rest.reduce(
    (sum, { c, x }) => (c === 1 ? ops.add(sum, x) : c === -1 ? ops.sub(sum, x) : ops.add(sum, ops.mul(x, c))),
    first.c === 1 ? first.x : ops.mul(first.x, first.c),
  );
}

/** The same, with even and odd places apart: they are equal for opposite points but for the sign. */
function combineHalves(coefficients: readonly number[], tensors: readonly Tensor[]): Tensor {
  const [even, odd] = [0, 1].map((half) => coefficients.map((c, i) => (i % 2 === half ? c : 0)));
  const isEmpty = (half: readonly number[]) => half.every((c) => c === 0);
  if (isEmpty(odd) || isEmpty(even)) return combine(coefficients, tensors);
  const sign = odd.find((c) => c !== 0)! < 0 ? -1 : 1;
  const [left, right] = [
    combine(even, tensors),
    combine(
      odd.map((c) => c * sign),
      tensors,
    ),
  ];
  return sign === 1 ? ops.add(left, right) : ops.sub(left, right);
}

function groupsOf({ b }: Transform) {
  return { stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1], groups: b.length } as const;
}

/** Multiplications saved for each element that is transformed, from which on it is worth while. */
const leastSaving = 8;

/** The transform that saves most work in a convolution from `image` to `result`; null if there is none that saves any. */
function transformFor(
  image: Tensor,
  [out, channels, rows, taps]: readonly number[],
  result: Tensor,
  isPossible: (transform: Transform) => boolean = () => true,
): Transform | null {
  let best: { transform: Transform; gain: number } | null = null;
  for (const transform of transforms.get(taps) ?? []) {
    const { m, b } = transform;
    if (result.shape[3]! % m !== 0 || !isPossible(transform)) continue;
    const tiles = result.shape[3]! / m;
    const saved = out * channels * rows * result.shape[2]! * tiles * (m * taps - b.length);
    const transformed = (channels * image.shape[2]! + out * result.shape[2]!) * tiles * b.length;
    const gain = saved - leastSaving * transformed;
    if (gain > (best?.gain ?? 0)) best = { transform, gain };
  }
  return best?.transform ?? null;
}

function isPlain({ stride, dilation, groups, padding }: ConvolutionGeometry): boolean {
  return [...stride, ...dilation, groups].every((n) => n === 1) && padding.every((n) => n === 0);
}

/** Toom and Cook's matrices for finite points and infinity. */
function makeTransform(m: number, taps: number, points: readonly number[]): Transform {
  const count = m + taps - 1;
  const finite = points.slice(0, count - 1);
  const last = (size: number) => Array.from({ length: size }, (_, i) => (i === size - 1 ? 1 : 0));
  const powers = (x: number, size: number) => Array.from({ length: size }, (_, i) => x ** i);
  const others = (x: number) => finite.filter((other) => other !== x);
  return {
    m,
    b: [...finite.map((x) => [...polynomial(others(x)), 0]), polynomial(finite)],
    g: [
      ...finite.map((x) => {
        const scale = others(x).reduce((product, other) => product * (x - other), 1);
        return powers(x, taps).map((power) => power / scale);
      }),
      last(taps),
    ],
    a: [...finite.map((x) => powers(x, m)), last(m)],
  };
}

/** Coefficients of Π (x − root), lowest power first. */
function polynomial(roots: readonly number[]): number[] {
  let product = [1];
  for (const root of roots) {
    product = Array.from({ length: product.length + 1 }, (_, i) => (product[i - 1] ?? 0) - root * (product[i] ?? 0));
  }
  return product;
}

/** By taps of the kernel's rows: two or four results. Points of more digits would cost accuracy. */
const transforms: ReadonlyMap<number, readonly Transform[]> = new Map(
  [3, 5].map((taps) => [taps, [2, 4].map((m) => makeTransform(m, taps, [0, 1, -1, 2, -2, 0.5, -0.5]))]),
);
