// Operations that move elements without computing. Attributes are in core's order of axes, tensors may not be.

import { type PrimitiveName, sizeOf, stridesOf, type Tensor } from '@bn/core';
import type { Ref } from '../../program/kernels.js';
import { broadcastTo } from '../broadcast.js';
import { type Layout, toChannelsLast } from '../image-layouts.js';
import type { Lowering } from '../lowering.js';
import type { Rule } from '../rule.js';

export const shapeOperations = {
  reshape: (node, lowering) =>
    lowering.builder.reshape(lowering.ref(node.inputs[0], 'plain'), lowering.sizes(node.shape)),
  transpose: (node, lowering) =>
    lowering.builder.transpose(lowering.ref(node.inputs[0], 'plain'), node.attributes.permutation),
  broadcastTo: (node, lowering) => broadcastNode(node, lowering, lowering.layout(node)),
  pad: (node, lowering) => {
    const layout = lowering.layout(node);
    const x = lowering.ref(node.inputs[0], layout);
    const { before, after, value } = node.attributes;
    const paddings = inLayout(
      before.map((n, axis) => [n, after[axis]] as const),
      layout,
    );
    const shape = x.shape.map((n, axis) => n + paddings[axis][0] + paddings[axis][1]);
    return lowering.builder.call('PadV2', [x], { paddings, constantValue: value }, shape);
  },
  slice: (node, lowering) => {
    const layout = lowering.layout(node);
    const x = lowering.ref(node.inputs[0], layout);
    const size = inLayout(lowering.sizes(node.shape), layout);
    return lowering.builder.call('Slice', [x], { begin: inLayout(node.attributes.start, layout), size }, size);
  },
  concat: (node, lowering) => {
    const layout = lowering.layout(node);
    const parts = node.inputs.map((x) => lowering.ref(x, layout));
    const axes = inLayout(
      node.shape.map((_, axis) => axis),
      layout,
    );
    const axis = axes.indexOf(node.attributes.axis);
    return lowering.builder.call('Concat', parts, { axis }, inLayout(lowering.sizes(node.shape), layout));
  },
  gather: (node, lowering) => {
    const [x, indices] = node.inputs.map((operand) => lowering.ref(operand, 'plain'));
    const { axis } = node.attributes;
    return lowering.builder.call('GatherV2', [x, indices], { axis, batchDims: 0 }, lowering.sizes(node.shape));
  },
  iota: ({ attributes: { shape, axis } }, { builder }) => {
    const stride = stridesOf(shape)[axis];
    const counting = Int32Array.from({ length: sizeOf(shape) }, (_, i) => Math.floor(i / stride) % shape[axis]);
    return builder.constant(counting, shape, 'int32');
  },
} satisfies Partial<{ [Op in PrimitiveName]: Rule<Op> }>;

/** The operand repeated, in any layout. */
export function broadcastNode(node: Tensor<'broadcastTo'>, lowering: Lowering, layout: Layout): Ref {
  const [x] = node.inputs;
  const { builder } = lowering;
  const shape = inLayout(lowering.sizes(node.shape), layout);
  return broadcastTo(builder, aligned(x, node.shape.length, lowering, layout), shape);
}

/** x with as many axes as `rank`, those in front of size 1, in a layout. */
export function aligned(x: Tensor, rank: number, lowering: Lowering, layout: Layout): Ref {
  if (x.shape.length === rank) return lowering.ref(x, layout);
  const plain = lowering.ref(x, 'plain');
  const shape = [...new Array<number>(rank - x.shape.length).fill(1), ...plain.shape];
  const ref = lowering.builder.reshape(plain, shape);
  return layout === 'plain' ? ref : lowering.builder.transpose(ref, toChannelsLast);
}

/** Something per axis, in the order that the layout has in memory. */
function inLayout<T>(perAxis: readonly T[], layout: Layout): T[] {
  return layout === 'plain' ? [...perAxis] : toChannelsLast.map((axis) => perAxis[axis]);
}
