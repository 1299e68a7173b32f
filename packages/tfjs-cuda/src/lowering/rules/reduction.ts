// Sum, largest value, its index, and softmax.

import { type PrimitiveName, sizeOf, type Tensor } from '@bn/core';
import type { Ref } from '../../program/kernels.js';
import { channelsLastAxis, type Layout, toChannelsLast } from '../image-layouts.js';
import type { Lowering } from '../lowering.js';
import { sum } from '../reduce.js';
import type { Rule } from '../rule.js';

export const reduction = {
  sum: (node, lowering) => reduce(node, lowering, (x, axes) => sum(lowering.builder, lowering.engine, x, axes)),
  max: (node, lowering) =>
    reduce(node, lowering, (x, axes) => {
      if (axes.length === 0) return x;
      const kept = x.shape.filter((_, axis) => !axes.includes(axis));
      return lowering.builder.call('Max', [x], { reductionIndices: axes, keepDims: false }, kept);
    }),
  argmax: (node, lowering) => {
    const [x] = node.inputs;
    const layout = lowering.layout(x);
    const ref = lowering.ref(x, layout);
    const axis = physicalAxis(node.attributes.axis, layout);
    const kept = ref.shape.filter((_, i) => i !== axis);
    const result = lowering.builder.call('ArgMax', [ref], { axis }, kept, 'int32');
    return inCoreOrder(lowering, result, [node.attributes.axis], layout);
  },
} satisfies Partial<{ [Op in PrimitiveName]: Rule<Op> }>;

/** Softmax: the kernels take it along the last axis of a matrix. */
export const softmax: Rule<'softmax'> = (node, lowering) => {
  const { builder } = lowering;
  const layout = lowering.layout(node);
  const x = lowering.ref(node.inputs[0], layout);
  const axis = physicalAxis(node.attributes.axis, layout);
  const axes = x.shape.map((_, i) => i);
  const last = axes.filter((i) => i !== axis).concat(axis);
  const turned = builder.transpose(x, last);
  const size = x.shape[axis];
  const rows = sizeOf(x.shape) / size;
  const shares = builder.call('Softmax', [builder.reshape(turned, [rows, size])], { dim: 1 }, [rows, size]);
  return builder.transpose(
    builder.reshape(shares, turned.shape),
    axes.map((i) => last.indexOf(i)),
  );
};

type ReduceNode = Tensor<'sum'> | Tensor<'max'>;

/** `compute` removes axes of a tensor as it lies in memory. */
function reduce(node: ReduceNode, lowering: Lowering, compute: (x: Ref, axes: readonly number[]) => Ref): Ref {
  const [x] = node.inputs;
  const { axes, keepDims } = node.attributes;
  const layout = lowering.layout(x);
  const ref = lowering.ref(x, layout);
  const physical = axes.map((axis) => physicalAxis(axis, layout)).sort((a, b) => a - b);
  const result = compute(ref, physical);
  // A node that keeps its axes has the layout of its operand.
  if (!keepDims) return inCoreOrder(lowering, result, axes, layout);
  return lowering.builder.reshape(
    result,
    ref.shape.map((n, axis) => (physical.includes(axis) ? 1 : n)),
  );
}

function physicalAxis(axis: number, layout: Layout): number {
  return layout === 'plain' ? axis : channelsLastAxis[axis];
}

/** What is left of an image without the `removed` axes (core's numbers), in core's order. */
function inCoreOrder(lowering: Lowering, x: Ref, removed: readonly number[], layout: Layout): Ref {
  if (layout === 'plain') return x;
  const left = toChannelsLast.filter((axis) => !removed.includes(axis));
  const order = [...left].sort((a, b) => a - b);
  return lowering.builder.transpose(
    x,
    order.map((axis) => left.indexOf(axis)),
  );
}
