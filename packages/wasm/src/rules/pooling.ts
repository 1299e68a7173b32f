// Rules of pooling and its gradients.

import type { AveragePoolingGeometry, PoolingGeometry, Tensor } from '@bn/core';
import { binary, constant, where } from '../ir/expressions.js';
import type { Index } from '../ir/index-form.js';
import type { Buffer, Expression } from '../ir/nest.js';
import { knownAxes, readOnce } from './axes.js';
import { tapsOf, zeroNest } from './contraction.js';
import type { Facts, Lowering, NestBody, Rule } from './rule.js';

type Pooling = 'avgPool2d' | 'avgPool2dGradient' | 'maxPool2d' | 'maxPool2dGradient';

/** Of all of them: each channel of each image for itself, on operands in memory. */
const facts = {
  ...knownAxes,
  takesLanes: (_: Tensor, axis: number) => axis < 2,
  ...{ mixesRows: () => false, products: () => 0, cost: 0, readsMemory: () => true, spreads: false },
  ...{ elementsRead: readOnce, rounding: () => 'bits' },
} satisfies Partial<Facts<never>>;

export const pooling: { readonly [P in Pooling]: Rule<P> } = {
  avgPool2d: {
    ...facts,
    reduce: (node, [b, c, ...window], lowering) => {
      const geometry = node.attributes;
      const { loops, value } = pooledElements(node.inputs[0], [b, c], window, geometry, lowering);
      const share = shareOf(node.inputs[0], node, window, geometry, lowering);
      return { reduction: 'sum', inner: loops, value, finish: binary('mul', { op: 'reduced', kind: 'f32' }, share) };
    },
  },
  // Windows that tile the image: each element has one window, its own quotient. Else windows add their shares.
  avgPool2dGradient: {
    ...facts,
    readsMemory: (node) => !isTiling(node),
    form: (node) => (isTiling(node) ? 'element' : 'nests'),
    element: (node, [b, c, ...tap], lowering) => {
      const geometry = node.attributes;
      const window = tap.map((t, i) => lowering.divide(t, geometry.kernelSize[i])?.quotient);
      if (window.includes(undefined)) return null;
      const dy = lowering.at(node.inputs[0], [b, c, ...(window as Index[])]);
      return binary('mul', dy, constant(1 / (geometry.kernelSize[0] * geometry.kernelSize[1])));
    },
    nests: (node, target, lowering) => {
      const [dy] = node.inputs;
      const nest = scatter(node, dy, node.attributes, target, lowering, (indices) =>
        binary('mul', lowering.at(dy, indices), shareOf(node, dy, indices.slice(2), node.attributes, lowering)),
      );
      return [zeroNest(node, target, lowering), nest];
    },
  },
  maxPool2d: {
    ...facts,
    reduce: (node, [b, c, ...window], lowering) => {
      const { loops, value } = pooledElements(node.inputs[0], [b, c], window, node.attributes, lowering);
      return { reduction: 'max', inner: loops, value };
    },
  },
  // The first largest tap of each window is found, then each tap adds dy where it is the one.
  maxPool2dGradient: {
    ...facts,
    nests: (node, target, lowering) => {
      const [x, dy] = node.inputs;
      // Not dy's own, which may be an axis that windows slide along.
      const laneAxis = lowering.laneAxis(node);
      const winners = lowering.temporary('winners', dy.shape as number[], laneAxis, 'int32');
      const { loops, indices } = lowering.loops(dy.shape as number[], laneAxis, 'i');
      const [b, c, ...window] = indices;
      const taps = pooledElements(x, [b, c], window, node.attributes, lowering);
      const search: NestBody = {
        name: 'winners',
        outer: loops,
        inner: taps.loops,
        statements: [
          {
            target: lowering.write(winners, indices),
            value: taps.value,
            reduction: 'argmax',
            position: taps.number,
          },
        ],
      };
      const add = scatter(node, dy, node.attributes, target, lowering, (indices, number) => {
        const winner: Expression = { op: 'read', kind: 'i32', access: lowering.write(winners, indices) };
        const here = binary('equal', winner, { op: 'index', kind: 'i32', index: number });
        return where(here, lowering.at(dy, indices), constant(0));
      });
      return [search, zeroNest(node, target, lowering), add];
    },
  },
};

/** The elements of a window: loops over its taps, their number, and what is read there. */
function pooledElements(
  x: Tensor,
  leading: readonly Index[],
  window: readonly Index[],
  geometry: PoolingGeometry,
  lowering: Lowering,
) {
  const { loops, indices: k } = lowering.loops(geometry.kernelSize, null, 'k');
  const { taps, guards } = tapsOf(x, window, k, geometry);
  const value = lowering.read(x, [...leading, ...taps], guards);
  return { loops, value, number: k[0].times(geometry.kernelSize[1]).plus(k[1]) };
}

/** A nest that adds something of each window `dy[indices]` to each of its taps in the image. */
function scatter(
  image: Tensor,
  dy: Tensor,
  geometry: PoolingGeometry,
  target: Buffer,
  lowering: Lowering,
  make: (indices: readonly Index[], number: Index) => Expression,
): NestBody {
  const windows = lowering.loops(dy.shape as number[], lowering.laneAxis(image), 'i');
  const { loops, indices: k } = lowering.loops(geometry.kernelSize, null, 'k');
  const [b, c, ...window] = windows.indices;
  const { taps, guards } = tapsOf(image, window, k, geometry);
  const value = make(windows.indices, k[0].times(geometry.kernelSize[1]).plus(k[1]));
  const at = lowering.write(target, [b, c, ...taps], guards);
  return {
    name: 'scatter',
    outer: [...windows.loops, ...loops],
    inner: [],
    statements: [{ target: at, value, reduction: null, accumulates: true }],
  };
}

/** What each element of a window contributes to its mean: 1 / the number of elements that count. */
function shareOf(
  image: Tensor,
  windows: Tensor,
  window: readonly Index[],
  geometry: AveragePoolingGeometry,
  lowering: Lowering,
): Expression {
  const { kernelSize, padding, countIncludesPadding } = geometry;
  if (countIncludesPadding || padding.every((n) => n === 0)) return constant(1 / (kernelSize[0] * kernelSize[1]));
  const counts = [0, 1].map((i) => {
    const [size, windowCount] = [image.shape[i + 2]!, windows.shape[i + 2]!];
    return Array.from({ length: windowCount }, (_, at) => {
      const taps = Array.from(
        { length: kernelSize[i] },
        (_, k) => at * geometry.stride[i] + k * geometry.dilation[i] - padding[i],
      );
      return taps.filter((t) => t >= 0 && t < size).length;
    });
  });
  const shares = counts[0].flatMap((rows) => counts[1].map((columns) => 1 / (rows * columns)));
  return lowering.readTable(Float32Array.from(shares), [counts[0].length, counts[1].length], window);
}

/** Whether windows tile the image. */
function isTiling({ shape, inputs: [windows], attributes }: Tensor<'avgPool2dGradient'>): boolean {
  const { kernelSize, stride, padding, dilation } = attributes;
  return [0, 1].every(
    (i) =>
      stride[i] === kernelSize[i] &&
      (dilation[i] === 1 || kernelSize[i] === 1) &&
      padding[i] === 0 &&
      padding[i + 2] === 0 &&
      shape[i + 2] === windows.shape[i + 2]! * stride[i],
  );
}
