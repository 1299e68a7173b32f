// Rules of operations that move elements: views where they can be, copies where not.

import { isOp, stridesOf, type Tensor, unsplitAxes } from '@bn/core';
import { constant } from '../ir/expressions.js';
import { Index } from '../ir/index-form.js';
import { type Buffer, kindOf } from '../ir/nest.js';
import { knownAxes, readOnce } from './axes.js';
import { broadcastIndices } from './elementwise.js';
import type { Facts, Lowering, NestBody, Rule } from './rule.js';

type Movement = 'reshape' | 'transpose' | 'broadcastTo' | 'pad' | 'slice' | 'concat' | 'gather' | 'iota';

/** Of all of them: movement is free. */
const facts = {
  ...{ ...knownAxes, takesLanes: () => true, mixesRows: () => false, products: () => 0, cost: 0 },
  ...{ readsMemory: () => false, spreads: false, elementsRead: readOnce, rounding: () => 'as users do' },
} satisfies Partial<Facts<never>>;

/** What has no elements of its own. */
const view = { ...facts, elementsRead: () => null };

export const shapeOperations: { readonly [P in Movement]: Rule<P> } = {
  reshape: {
    ...view,
    element: (node, indices, lowering) => {
      const [x] = node.inputs;
      const [from, to] = [sizes(x), sizes(node)];
      const split = lowering.isStored(x) ? null : reshapedIndices(from, to, indices, true);
      return split ? lowering.at(x, split) : lowering.read(x, reshapedIndices(from, to, indices, false)!);
    },
  },
  transpose: {
    ...view,
    element: ({ inputs: [x], attributes: { permutation } }, indices, lowering) =>
      lowering.at(
        x,
        permutation.map((_, axis) => indices[permutation.indexOf(axis)]),
      ),
  },
  broadcastTo: {
    ...facts,
    spreads: true,
    element: ({ inputs: [x] }, indices, lowering) => lowering.at(x, broadcastIndices(sizes(x), indices)),
  },
  slice: {
    ...view,
    contracted: ({ shape, inputs: [x] }) =>
      shape.flatMap((n, axis) => (n === 1 && x.shape[axis] !== 1 ? [{ operand: 0, axis }] : [])),
    mixesRows: ({ attributes: { start } }, axis) => start[axis] !== 0,
    element: ({ inputs: [x], attributes: { start } }, indices, lowering) =>
      lowering.at(
        x,
        indices.map((index, axis) => index.plus(start[axis])),
      ),
  },
  pad: {
    ...facts,
    takesLanes: ({ attributes: { before, after } }, axis) => before[axis] + after[axis] === 0,
    nests: (node, target, lowering) => [
      ...borders(node as Tensor<'pad'>, target, lowering),
      ...copy(node, node.inputs[0], node.attributes.before, target, lowering),
    ],
  },
  concat: {
    ...facts,
    takesLanes: ({ attributes }, axis) => axis !== attributes.axis,
    mixesRows: ({ attributes }, axis) => axis === attributes.axis,
    nests: (node, target, lowering) => {
      let position = 0;
      return node.inputs.flatMap((x) => {
        const shift = node.shape.map((_, axis) => (axis === node.attributes.axis ? position : 0));
        position += x.shape[node.attributes.axis]!;
        return copy(node, x, shift, target, lowering);
      });
    },
  },
  gather: {
    ...facts,
    // Rows past the end may hold any index.
    mixesRows: () => true,
    readsMemory: (_, operand) => operand === 0,
    spreads: true,
    element: ({ inputs: [x, picks], attributes: { axis } }, indices, lowering) => {
      const own = picks.shape.length;
      const at = lowering.at(picks, indices.slice(axis, axis + own));
      const rest = [...indices.slice(0, axis), new Index(0), ...indices.slice(axis + own)];
      const { kind, access } = lowering.read(x, rest);
      return { op: 'gather', kind, access, at, stride: stridesOf(sizes(x))[axis] };
    },
  },
  iota: {
    ...facts,
    rounding: () => 'bits',
    element: ({ attributes: { axis } }, indices) => ({ op: 'index', kind: 'i32', index: indices[axis] }),
  },
};

/** Fills what a pad adds: along each axis before and after the operand, where the axes before it are within it. */
function borders(node: Tensor<'pad'>, target: Buffer, lowering: Lowering): NestBody[] {
  const { before, after, value } = node.attributes;
  const from = sizes(node.inputs[0]);
  const filling = constant(value, kindOf(node.dtype));
  return from.flatMap((inside, axis) =>
    [
      { start: 0, size: before[axis] },
      { start: before[axis] + inside, size: after[axis] },
    ].flatMap(({ start, size }) => {
      if (size === 0) return [];
      const shape = sizes(node).map((n, i) => (i < axis ? from[i] : i === axis ? size : n));
      const { loops, indices } = lowering.loops(shape, lowering.laneAxis(node), 'i');
      const shifted = indices.map((index, i) => index.plus(i < axis ? before[i] : i === axis ? start : 0));
      const statement = { target: lowering.write(target, shifted), value: filling, reduction: null };
      return [{ name: 'fill', outer: loops, inner: [], statements: [statement] }];
    }),
  );
}

/**
 * Copies `from` into the target of `node`, moved by `shift`, if it is not there. Loops run over the axes that a reshape merges, so that what
 * it is made from can be computed in place.
 */
function copy(node: Tensor, from: Tensor, shift: readonly number[], target: Buffer, lowering: Lowering): NestBody[] {
  if (lowering.isWithin(from, node)) return [];
  const source = isOp(from, 'reshape') && !lowering.isStored(from) ? from.inputs[0] : from;
  const laneAxis = lowering.laneAxis(source);
  const indicesOf = (own: readonly Index[]) => reshapedIndices(sizes(from), sizes(source), own, true);
  const finer = lowering.loops(sizes(source), laneAxis, 'i');
  const merged = laneAxis === lowering.laneAxis(node) ? indicesOf(finer.indices) : null;
  const { loops, indices } = merged ? finer : lowering.loops(sizes(from), lowering.laneAxis(node), 'i');
  const shifted = (merged ?? indices).map((index, axis) => index.plus(shift[axis]));
  const value = merged ? lowering.at(source, indices) : lowering.at(from, indices);
  const statement = { target: lowering.write(target, shifted), value, reduction: null };
  return [{ name: 'copy', outer: loops, inner: [], statements: [statement] }];
}

/**
 * Indices into a tensor of shape `from` for indices into a reshape of it. Axes that stay as they are keep their index;
 * between them elements are counted, and the count is split among the operand's axes (null where quotients are not
 * affine), or left to the last of them, which is good for addressing memory.
 */
function reshapedIndices(
  from: readonly number[],
  to: readonly number[],
  indices: readonly Index[],
  split: boolean,
): Index[] | null {
  const result: Index[] = [];
  let axis = 0;
  let own = 0;
  const kept = unsplitAxes(from, to);
  for (let i = 0; i <= kept.length; i++) {
    const nextAxis = i < kept.length ? kept[i][0] : from.length;
    const nextOwn = i < kept.length ? kept[i][1] : to.length;
    if (axis < nextAxis) {
      let rest = Index.sum(indices.slice(own, nextOwn), stridesOf(to.slice(own, nextOwn)));
      const strides = stridesOf(from.slice(axis, nextAxis));
      for (let j = 0; j < strides.length; j++) {
        const stride = strides[j];
        const parts = split ? rest.divide(stride) : { quotient: stride === 1 ? rest : new Index(0), remainder: rest };
        if (!parts) return null;
        result.push(parts.quotient);
        // Sizes of 1 at the end have stride 1 too, and the count belongs to one axis only.
        rest = !split && stride === 1 ? new Index(0) : parts.remainder;
      }
    }
    if (nextOwn < to.length) result.push(indices[nextOwn]);
    axis = nextAxis + 1;
    own = nextOwn + 1;
  }
  return result;
}

function sizes({ shape }: { shape: readonly (number | null)[] }): readonly number[] {
  return shape as readonly number[];
}
