// Convolutions with stride 1 by the algorithm of Winograd (Toom and Cook), along rows, or along rows and columns: m
// results of a row from m + K − 1 products instead of m·K. The products become a convolution with a kernel one element wide,
// whose groups are the points.

import { type ConvolutionGeometry, constant, isOp, ops, Tensor } from '@bn/core';
import { type LaneAxes, smallestAxis } from '../analysis/lane-axes.js';
import { sizeOf } from '../rules/axes.js';
import { patchTransform } from '../rules/patch-transform.js';
import { tapTransform } from '../rules/tap-transform.js';
import type { Replacement } from './replace-nodes.js';
import { type Transform, transformFilter, transforms } from './winograd-transforms.js';

/** A transform along one axis of an image; patches overhang the results at its end where they do not divide them. */
interface Patching {
  readonly axis: 2 | 3;
  readonly transform: Transform;
  readonly patches: number;
}

/** In the order in which images are transformed: along rows (axis 3), then perhaps along columns (axis 2). */
type Plan = readonly Patching[];

/**
 * Replaces such convolutions where that saves work. Lanes have to be on the batch; for fewer images than lanes, filters have
 * to be known, since transforming them would not pay.
 */
export function winograd(lanes: LaneAxes): Replacement {
  return (node, copy) => {
    if (isOp(copy, 'conv2d') && isFew(copy) && isOp(copy.inputs[1], 'constant')) return forward(copy);
    if (lanes.get(node.inputs[0]) !== 0) return null;
    if (isOp(copy, 'conv2d')) return forward(copy);
    if (isOp(copy, 'conv2dInputGradient')) return inputGradient(copy);
    return isOp(copy, 'conv2dFilterGradient') ? filterGradient(copy) : null;
  };
}

/** Whether there are fewer images than lanes, which are along channels then. */
function isFew({ shape }: Tensor): boolean {
  return shape[0]! < smallestAxis;
}

/** y = Aᵀ·Σ (G·w ⊙ Bᵀ·x) over channels, and rows of the kernel */
function forward(node: Tensor<'conv2d'>): Tensor | null {
  const [x, w] = node.inputs;
  const plan = isPlain(node.attributes) ? planFor(w.shape as number[], node, isOp(w, 'constant')) : null;
  if (!plan) return null;
  const products = ops.conv2d(imagePoints(x, plan), filterPoints(w, plan), groupsOf(plan));
  return results(products, plan, node.shape as number[]);
}

/** dw = Gᵀ·Σ (Bᵀ·x ⊙ A·dy) over images, and rows of results */
function filterGradient(node: Tensor<'conv2dFilterGradient'>): Tensor | null {
  const [x, dy] = node.inputs;
  const plan = isPlain(node.attributes) ? planFor(node.shape as number[], dy) : null;
  if (!plan) return null;
  const kernelSize = [plan.length > 1 ? 1 : node.shape[2]!, 1] as const;
  const attributes = { ...groupsOf(plan), kernelSize };
  const points = ops.conv2dFilterGradient(imagePoints(x, plan), gradientPoints(dy, plan), attributes);
  const [{ transform: along }, second] = plan;
  const back = ({ g }: Transform) => g[0].map((_, tap) => g.map((row) => row[tap]));
  if (second) return tapTransform(points, { along: [back(second.transform), back(along)], to: 'taps' });
  const { g } = along;
  const [count, taps] = [g.length, g[0].length];
  const rows = ops.reshape(points, [count, sizeOf(points) / count]);
  const made = ops.matmul(rows, constant(g.flat(), [count, taps]), { transposeA: true });
  return ops.reshape(made, node.shape as number[]);
}

function inputGradient(node: Tensor<'conv2dInputGradient'>): Tensor | null {
  return isPlain(node.attributes) ? overlappingGradient(node) : paddedGradient(node);
}

/** dx = B·Σ (A·dy ⊙ G·w) over output channels and rows of the kernel; patches overlap */
function overlappingGradient(node: Tensor<'conv2dInputGradient'>): Tensor | null {
  const [dy, w] = node.inputs;
  const isPossible = ({ m, b }: Transform) => b.length % m === 0 && dy.shape[3]! % m === 0;
  const plan = planFor(w.shape as number[], dy, false, (plan) => plan.length === 1 && isPossible(plan[0].transform));
  if (!plan) return null;
  const [{ transform, patches }] = plan;
  const { m, b } = transform;
  const attributes = { ...groupsOf(plan), inputSize: [node.shape[2]!, patches] as const };
  const products = ops.conv2dInputGradient(gradientPoints(dy, plan), filterPoints(w, plan), attributes);
  // Element m·s + r of dx is element m·q + r of patch s − q; there are zeros beside the first and the last patch.
  const reach = b.length / m - 1;
  const shifts = Array.from({ length: reach + 1 }, (_, q) => q);
  return patchTransform(ops.pad(products, [0, 0, 0, reach], [0, 0, 0, reach]), {
    ...{ axis: 3, patches: patches + reach, to: 'axis', inRow: false, blocks: b.length, step: 1 },
    coefficients: Array.from({ length: m }, (_, r) => shifts.flatMap((q) => b.map((row) => row[m * q + r]))),
    elements: shifts.flatMap((q) => b.map((_, point) => [point, reach - q] as const)),
  });
}

/** With zeros around dy for every place of the kernel, it is a convolution with the kernel reversed. */
function paddedGradient(node: Tensor<'conv2dInputGradient'>): Tensor | null {
  const [dy, w] = node.inputs;
  const { stride, dilation, groups, padding } = node.attributes;
  const reach = [0, 1].map((i) => w.shape[i + 2]! - 1);
  const isWhole = padding.every((n, i) => n === reach[i % 2]) && dy.shape[3] === node.shape[3]! + reach[1];
  if (!isWhole || [...stride, ...dilation, groups].some((n) => n !== 1)) return null;
  const [out, channels, ...kernelSize] = w.shape as number[];
  const plan = planFor([channels, out, ...kernelSize], node);
  if (!plan) return null;
  const reversed = plan.map((patching) => {
    const { transform } = patching;
    return { ...patching, transform: { ...transform, g: transform.g.map((row) => [...row].reverse()) } };
  });
  return results(gradientProducts(node, imagePoints(dy, plan), reversed), plan, node.shape as number[]);
}

/** Σ points ⊙ G·w over output channels, and rows of the kernel. */
function gradientProducts(node: Tensor<'conv2dInputGradient'>, points: Tensor, plan: Plan): Tensor {
  const w = node.inputs[1];
  // What is summed over lies side by side then.
  if (plan.length > 1) return ops.conv2d(points, filterPoints(ops.transpose(w, [1, 0, 2, 3]), plan), groupsOf(plan));
  const reach = w.shape[2]! - 1;
  const inputSize = [node.shape[2]!, plan[0].patches] as const;
  const attributes = { ...groupsOf(plan), padding: [reach, 0, reach, 0] as const, inputSize };
  return ops.conv2dInputGradient(points, filterPoints(w, plan), attributes);
}

/** Aᵀ·products, of `shape`, from [batch, points · channels, height, width] or, with points along both axes, patches in a row. */
function results(products: Tensor, plan: Plan, shape: readonly number[]): Tensor {
  let y = unflattened(products, plan);
  for (const { axis, patches, transform } of [...plan].reverse()) {
    const { m, a } = transform;
    const whole = patchTransform(y, {
      ...{ axis, patches, to: 'axis', inRow: false, blocks: a.length, step: 1 },
      coefficients: Array.from({ length: m }, (_, j) => a.map((column) => column[j])),
      elements: a.map((_, point) => [point, 0] as const),
    });
    const end = whole.shape.map((n, i) => (i === axis ? shape[axis] : n!));
    y = end[axis] === whole.shape[axis] ? whole : ops.slice(whole, [0, 0, 0, 0], end);
  }
  return y;
}

/** Bᵀ·x: [batch, points · channels, height, patches], or patches in a row */
function imagePoints(x: Tensor, plan: Plan): Tensor {
  let y = widened(x, plan, ({ transform: { m, b }, patches }) => m * (patches - 1) + b.length);
  for (const patching of plan) y = points(y, patching, patching.transform.b);
  return y;
}

/** G·w: [points · out, in, kernelHeight or 1, 1] */
function filterPoints(w: Tensor, plan: Plan): Tensor {
  const [{ transform: along }, second] = plan;
  if (second && !isOp(w, 'constant')) return tapTransform(w, { along: [second.transform.g, along.g], to: 'points' });
  // Taps lie side by side: those along columns come last, when those along rows are a single one.
  return plan.reduce((y, { axis, transform }) => {
    const { g } = transform;
    const shape = (y.shape as number[]).with(axis, 1).with(0, g.length * y.shape[0]!);
    if (isOp(y, 'constant')) {
      const data = transformFilter(y.attributes.data, transform);
      return new Tensor('constant', [], { data: data as never }, { shape, dtype: 'float32' });
    }
    const taps = y.shape[axis]!;
    const rows = ops.reshape(y, [sizeOf(y) / taps, taps]);
    return ops.reshape(ops.matmul(constant(g.flat(), [g.length, taps]), rows, { transposeB: true }), shape);
  }, w);
}

/** A·dy: [batch, points · out, height, patches], or patches in a row */
function gradientPoints(dy: Tensor, plan: Plan): Tensor {
  let y = widened(dy, plan, ({ transform: { m }, patches }) => m * patches);
  for (const patching of plan) y = points(y, patching, patching.transform.a);
  return y;
}

/** A block of channels for each point, of combinations of what a patch holds; with points along both axes, patches in a row. */
function points(x: Tensor, { axis, patches, transform: { m } }: Patching, coefficients: Transform['b']): Tensor {
  return patchTransform(x, {
    ...{ axis, patches, coefficients, to: 'channels', inRow: axis === 2, blocks: 1, step: m },
    elements: coefficients[0].map((_, i) => [0, i] as const),
  });
}

/** An image with zeros after it for patches that overhang; those around it that there are already are part of the same copy. */
function widened(x: Tensor, plan: Plan, needed: (patching: Patching) => number): Tensor {
  const missing = x.shape.map((n, axis) => {
    const patching = plan.find((other) => other.axis === axis);
    return patching ? needed(patching) - n! : 0;
  });
  if (missing.every((n) => n === 0)) return x;
  const inner = isOp(x, 'pad') && x.attributes.value === 0 ? x : null;
  const { before, after } = inner?.attributes ?? { before: missing.map(() => 0), after: missing.map(() => 0) };
  return ops.pad(
    inner?.inputs[0] ?? x,
    before,
    after.map((n, axis) => n + missing[axis]),
  );
}

function unflattened(x: Tensor, plan: Plan): Tensor {
  const [batch, channels] = x.shape as number[];
  return plan.length > 1 ? ops.reshape(x, [batch, channels, plan[1].patches, plan[0].patches]) : x;
}

function groupsOf(plan: Plan) {
  const groups = plan.reduce((points, { transform }) => points * transform.b.length, 1);
  return { stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1], groups } as const;
}

/** Multiplications that take as long as transforming an element, or reading one of a known filter. */
const elementCost = 6;
/** And as transforming an element of a filter, which goes to memory and back: once for the whole batch. */
const filterCost = 20;

/**
 * The plan by which a convolution to `result`, or the gradients of one, takes least work; null if that is none.
 *
 * @param kernel results' channels, images' channels, height and width
 * @param isKnown whether filters are transformed at compilation
 */
function planFor(
  [out, channels, rows, taps]: readonly number[],
  result: Tensor,
  isKnown = false,
  isPossible: (plan: Plan) => boolean = () => true,
): Plan | null {
  const { shape } = result;
  const [batch, , height, width] = shape as number[];
  /** Of so many elements for each pair of channels. */
  const filterWork = (elements: number, cost: number) => (cost * out * channels * elements) / batch;
  const patchings = (axis: 2 | 3, count: number): Patching[] =>
    (transforms.get(count) ?? []).map((transform) => ({
      axis,
      transform,
      patches: Math.ceil(shape[axis]! / transform.m),
    }));
  const along = patchings(3, taps);
  // Transforms for more taps would lose too many digits along both axes.
  const both = rows === 3 && taps === 3 ? along.flatMap((a) => patchings(2, rows).map((b) => [a, b])) : [];
  const workOf = ([{ patches, transform }, second]: Plan): number => {
    const points = patches * transform.b.length;
    const elements = (channels * (height + rows - 1) + out * height) * points;
    const filters = (second?.transform.b.length ?? rows) * transform.b.length;
    const work = elementCost * elements + filterWork(filters, isKnown ? elementCost : filterCost);
    if (!second) return out * channels * rows * height * points + work;
    const all = second.patches * patches * filters;
    return out * channels * all + elementCost * (channels + out) * all + work;
  };
  const direct = out * channels * rows * taps * height * width + filterWork(rows * taps, elementCost);
  let best: { plan: Plan | null; work: number } = { plan: null, work: direct };
  for (const plan of [...along.map((patching) => [patching]), ...both].filter(isPossible)) {
    const work = workOf(plan);
    if (work < best.work) best = { plan, work };
  }
  return best.plan;
}

function isPlain({ stride, dilation, groups, padding }: ConvolutionGeometry): boolean {
  return [...stride, ...dilation, groups].every((n) => n === 1) && padding.every((n) => n === 0);
}
