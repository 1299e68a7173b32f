// Rules of matrix products and of convolution in its three directions: sums of products over index maps.

import type { ConvolutionGeometry, OperandAxis, Tensor } from '@bn/core';
import { binary } from '../ir/expressions.js';
import { Index } from '../ir/index-form.js';
import type { Buffer, Guard } from '../ir/nest.js';
import { knownAxes, readOnce, sizeOf } from './axes.js';
import type { Facts, Lowering, NestBody, NodeOf, Rule } from './rule.js';

type InputGradient = NodeOf<'conv2dInputGradient'>;
type Contraction = 'matmul' | 'conv2d' | 'conv2dInputGradient' | 'conv2dFilterGradient';

/** Of all of them: the most arithmetic, on operands in memory. */
const facts = {
  ...knownAxes,
  ...{ mixesRows: () => false, cost: 0, readsMemory: () => true, spreads: false },
  ...{ elementsRead: readOnce, rounding: () => 'bits' },
} satisfies Partial<Facts<never>>;

/** A convolution computes each image for itself. */
const byImage = {
  ...facts,
  takesLanes: (_: Tensor, axis: number) => axis === 0,
};

export const contraction: { readonly [P in Contraction]: Rule<P> } = {
  // y[m, n] = Σ_k a[m, k]·b[k, n]
  matmul: {
    ...facts,
    parallel: (node) => ofOwnRank(node, knownAxes.parallel(node)),
    contracted: (node) => ofOwnRank(node, knownAxes.contracted(node)),
    takesLanes: () => true,
    products: (node) => sizeOf(node) * node.inputs[0].shape.at(node.attributes.transposeA ? -2 : -1)!,
    reduce: (node, indices, lowering) => {
      const [a, b] = node.inputs;
      const { transposeA, transposeB } = node.attributes;
      const leading = indices.slice(0, -2);
      const [m, n] = indices.slice(-2);
      const [axisA, axisB] = [a.shape.length - (transposeA ? 2 : 1), b.shape.length - (transposeB ? 1 : 2)];
      const [of, axis] = lowering.laneAxis(a) === axisA ? [a, axisA] : [b, axisB];
      // Lanes lie on the sum only where they do not lie on the result.
      const inLanes = lowering.laneAxis(node) === null && lowering.laneAxis(of) === axis;
      const { loops, indices: inner } = lowering.loops([of.shape[axis]!], inLanes ? 0 : null, 'k');
      const [k] = inner;
      const read = (x: Tensor, at: Index[]) => {
        const all = [...leading, ...at].slice(-x.shape.length);
        return inLanes ? lowering.readAlongLanes(x, all) : lowering.read(x, all);
      };
      const left = read(a, transposeA ? [k, m] : [m, k]);
      const right = read(b, transposeB ? [n, k] : [k, n]);
      return { reduction: 'sum', inner: loops, value: binary('mul', left, right) };
    },
  },
  // y[b, o, window] = Σ x[b, c, tap(window, k)]·w[o, c, k]
  conv2d: {
    ...byImage,
    products: (node) => sizeOf(node) * sizeOf(node.inputs[1], 1),
    reduce: ({ inputs: [x, w], attributes: geometry }, [b, o, ...window], lowering) => {
      const [, perGroup, ...kernelSize] = w.shape as number[];
      const { group } = grouped(o, w.shape[0]! / geometry.groups, geometry, lowering);
      const image = x.shape.slice(2) as number[];
      if (isCovered(image, kernelSize, geometry)) {
        const { loops, indices } = lowering.loops([perGroup, ...image], null, 'k');
        const [c, ...element] = indices;
        const k = tapsBetween(element, window, geometry);
        const read = lowering.read(x, [b, group.times(perGroup).plus(c), ...element]);
        return { reduction: 'sum', inner: loops, value: binary('mul', read, lowering.read(w, [o, c, ...k])) };
      }
      const { loops, indices } = lowering.loops([perGroup, ...kernelSize], null, 'k');
      const [c, ...k] = indices;
      const { taps, guards } = tapsOf(x, window, k, geometry);
      const read = lowering.read(x, [b, group.times(perGroup).plus(c), ...taps], guards);
      return { reduction: 'sum', inner: loops, value: binary('mul', read, lowering.read(w, [o, c, ...k])) };
    },
  },
  // dw[o, c, k] = Σ x[b, c, tap(window, k)]·dy[b, o, window]
  conv2dFilterGradient: {
    ...facts,
    takesLanes: () => false,
    products: (node) => sizeOf(node.inputs[1]) * sizeOf(node, 1),
    reduce: (node, [o, c, ...k], lowering) => {
      const [x, dy] = node.inputs;
      const geometry = node.attributes;
      const { group } = grouped(o, node.shape[0]! / geometry.groups, geometry, lowering);
      const batch = lowering.axisLoops(lowering.laneAxis(dy) === 0 ? dy : x, 0, 'b');
      const { loops, indices: window } = lowering.loops(dy.shape.slice(2) as number[], null, 'w');
      const { taps, guards } = tapsOf(x, window, k, geometry);
      const channel = group.times(node.shape[1]!).plus(c);
      const image = lowering.read(x, [batch.index, channel, ...taps], guards);
      const gradient = lowering.read(dy, [batch.index, o, ...window]);
      return { reduction: 'sum', inner: [...batch.loops, ...loops], value: binary('mul', image, gradient) };
    },
  },
  // dx[b, c, tap(window, k)] = Σ dy[b, o, window]·w[o, c, k]
  conv2dInputGradient: {
    ...byImage,
    products: ({ inputs: [dy, w] }) => sizeOf(dy) * sizeOf(w, 1),
    form: ({ attributes: { stride } }) => (stride.every((n) => n === 1) ? 'reduce' : 'nests'),
    // With stride 1 each element knows its windows: window = tap + padding − k·dilation.
    reduce: (node, [b, c, ...tap], lowering) => {
      const [dy, w] = node.inputs;
      const { padding, dilation } = node.attributes;
      const [out, perGroup, ...kernelSize] = w.shape as number[];
      const outPerGroup = out / node.attributes.groups;
      const { group, within } = grouped(c, perGroup, node.attributes, lowering);
      const windows = dy.shape.slice(2) as number[];
      if (isCovered(node.attributes.inputSize, kernelSize, node.attributes)) {
        const { loops, indices } = lowering.loops([outPerGroup, ...windows], null, 'k');
        const [oo, ...window] = indices;
        const o = group.times(outPerGroup).plus(oo);
        const k = tapsBetween(tap, window, node.attributes);
        const value = binary('mul', lowering.read(dy, [b, o, ...window]), lowering.read(w, [o, within, ...k]));
        return { reduction: 'sum', inner: loops, value };
      }
      const { loops, indices } = lowering.loops([...kernelSize, outPerGroup], null, 'k');
      const [ky, kx, oo] = indices;
      const k = [ky, kx];
      const o = group.times(outPerGroup).plus(oo);
      const window = tap.map((t, i) => t.plus(padding[i]).plus(k[i].times(-dilation[i])));
      const guards = guardsOf(window, windows);
      const gradient = lowering.read(dy, [b, o, ...window], guards);
      return { reduction: 'sum', inner: loops, value: binary('mul', gradient, lowering.read(w, [o, within, ...k])) };
    },
    // With strides those windows are affine in the element's place among those with the same remainder.
    nests: (node, target, lowering) => {
      const residues = [0, 1].map((axis) => residuesOf(node, axis));
      return residues[0].flatMap((row) =>
        residues[1].map((column) => residueNest(node, [row, column], target, lowering)),
      );
    },
  },
};

/**
 * Whether every window has a tap on every element of an image, as with small images that have much padding: sums over
 * elements then leave out what would be padding, and need no copy with it.
 */
export function isCovered(image: readonly number[], kernelSize: readonly number[], geometry: Geometry): boolean {
  const { stride, padding, dilation } = geometry;
  return image.every((size, i) => {
    const windows = Math.floor(
      (size + padding[i] + padding[i + 2] - dilation[i] * (kernelSize[i] - 1) - 1) / stride[i],
    );
    return dilation[i] === 1 && padding[i] >= windows * stride[i] && size - 1 + padding[i] < kernelSize[i];
  });
}

/** The tap of a window that falls on an element. */
function tapsBetween(element: readonly Index[], window: readonly Index[], { stride, padding }: Geometry): Index[] {
  return element.map((at, i) => at.plus(window[i].times(-stride[i])).plus(padding[i]));
}

type Geometry = Omit<ConvolutionGeometry, 'groups'>;

/** Axes of operands that may lack leading ones. */
function ofOwnRank<Axis extends OperandAxis>({ shape, inputs }: Tensor, axes: readonly Axis[]): Axis[] {
  const own = axes.map((one) => ({ ...one, axis: one.axis - shape.length + inputs[one.operand].shape.length }));
  return own.filter(({ axis }) => axis >= 0);
}

/** Elements of one axis of an image that have the same remainder by the stride, and the taps that reach them. */
interface Residue {
  readonly remainder: number;
  /** How many elements, and how many taps: the first one and every `step`-th. */
  readonly elements: number;
  readonly taps: number;
  readonly first: number;
  readonly step: number;
}

/** Element stride·q + remainder is tap k of window q + (remainder + padding − k·dilation) / stride, where that is whole. */
function residuesOf(node: InputGradient, axis: number): Residue[] {
  const { stride, padding, dilation, inputSize } = node.attributes;
  const kernelSize = node.inputs[1].shape[axis + 2]!;
  return Array.from({ length: Math.min(stride[axis], inputSize[axis]) }, (_, remainder) => {
    const taps = Array.from({ length: kernelSize }, (_, k) => k).filter(
      (k) => (remainder + padding[axis] - k * dilation[axis]) % stride[axis] === 0,
    );
    const elements = Math.ceil((inputSize[axis] - remainder) / stride[axis]);
    const [first = 0, second = first] = taps;
    return { remainder, elements, taps: taps.length, first, step: second - first };
  });
}

function residueNest(node: InputGradient, residues: readonly Residue[], target: Buffer, lowering: Lowering): NestBody {
  const [dy, w] = node.inputs;
  const { stride, padding, dilation, groups } = node.attributes;
  const [out, perGroup] = w.shape as number[];
  const batch = lowering.axisLoops(node, 0, 'b');
  const elements = residues.map((residue) => residue.elements);
  const { loops, indices } = lowering.loops([groups, perGroup, ...elements], null, 'i');
  const [group, c, ...q] = indices;
  const place = q.map((at, i) => at.times(stride[i]).plus(residues[i].remainder));
  const at = lowering.write(target, [batch.index, group.times(perGroup).plus(c), ...place]);
  const outer = [...batch.loops, ...loops];
  if (residues.some(({ taps }) => taps === 0)) {
    const value = { op: 'constant', kind: 'f32', value: 0 } as const;
    return { name: 'zero', outer, inner: [], statements: [{ target: at, value, reduction: null }] };
  }
  const { loops: inner, indices: terms } = lowering.loops(
    [...residues.map(({ taps }) => taps), out / groups],
    null,
    'k',
  );
  const [oo, k] = [terms[2], residues.map(({ first, step }, i) => terms[i].times(step).plus(first))];
  const o = group.times(out / groups).plus(oo);
  const window = residues.map(({ remainder, first, step }, i) => {
    const shift = (remainder + padding[i] - first * dilation[i]) / stride[i];
    return q[i].plus(shift).plus(terms[i].times((-step * dilation[i]) / stride[i]));
  });
  const gradient = lowering.read(dy, [batch.index, o, ...window], guardsOf(window, dy.shape.slice(2) as number[]));
  const value = binary('mul', gradient, lowering.read(w, [o, c, ...k]));
  return { name: node.op, outer, inner, statements: [{ target: at, value, reduction: 'sum' }] };
}

/** The image element that a window's tap falls on: window·stride + k·dilation − padding; nothing in the padding. */
export function tapsOf(
  image: Tensor,
  window: readonly Index[],
  k: readonly Index[],
  { stride, padding, dilation }: Geometry,
): { taps: Index[]; guards: Guard[] } {
  const taps = window.map((at, i) => at.times(stride[i]).plus(k[i].times(dilation[i])).plus(-padding[i]));
  return { taps, guards: guardsOf(taps, image.shape.slice(2) as number[]) };
}

/** Guards for indices that can leave 0 … size − 1. */
function guardsOf(indices: readonly Index[], sizes: readonly number[]): Guard[] {
  return indices.flatMap((index, i) => {
    const { low, high } = index.range();
    return low < 0 || high >= sizes[i] ? [{ index, size: sizes[i] }] : [];
  });
}

/** The group a channel is in, and its place in it. */
function grouped(channel: Index, perGroup: number, { groups }: { groups: number }, lowering: Lowering) {
  if (groups === 1) return { group: new Index(0), within: channel };
  const parts = lowering.divide(channel, perGroup)!;
  return { group: parts.quotient, within: parts.remainder };
}

/** Fills the target with zeros, before sums are added to it. */
export function zeroNest(node: Tensor, target: Parameters<Lowering['write']>[0], lowering: Lowering): NestBody {
  const { loops, indices } = lowering.loops(node.shape as number[], lowering.laneAxis(node), 'i');
  const value = { op: 'constant', kind: 'f32', value: 0 } as const;
  const statement = { target: lowering.write(target, indices), value, reduction: null };
  return { name: 'zero', outer: loops, inner: [], statements: [statement] };
}
