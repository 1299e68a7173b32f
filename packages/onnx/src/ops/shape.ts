// Operations that move elements without computing.

import { createArray, type PrimitiveName } from '@bn/core';
import type { Rules } from '../rules.js';

export const shapeOperations = {
  reshape: ({ inputs: [x], attributes: { shape } }, to) => to.reshape(to.value(x!), shape),
  transpose: ({ inputs: [x], attributes: { permutation } }, to) => to.transpose(to.value(x!), permutation),
  // Only users that do not broadcast themselves ask for the full shape.
  broadcastTo: ({ inputs: [x] }, to) => to.operand(x!),
  pad: ({ inputs: [x], attributes: { before, after, value } }, to) => {
    const filling = to.constant(createArray(x!.dtype, 1).fill(value), x!.dtype, []);
    return to.emit('Pad', [to.value(x!), to.int64([...before, ...after]), filling]);
  },
  slice: ({ inputs: [x], attributes: { start, end } }, to) => {
    const cut = x!.shape.flatMap((n, axis) => (start[axis] === 0 && end[axis] === n ? [] : [axis]));
    // Cut axes have numbers as ends: a symbolic axis is kept whole.
    const along = (list: readonly (number | null)[]) => cut.map((axis) => list[axis]!);
    return to.slice(to.value(x!), along(start), along(end), cut);
  },
  concat: (node, to) => to.emit('Concat', to.operandValues(node), node.attributes),
  gather: (node, to) => to.emit('Gather', to.operandValues(node), node.attributes),
  // One line of numbers, to be broadcast along the other axes.
  iota: ({ attributes: { shape, axis } }, to) => {
    const counted = shape.map((n, i) => (i === axis ? n : 1));
    const numbers = Int32Array.from({ length: shape[axis]! }, (_, i) => i);
    return { name: to.constant(numbers, 'int32', counted), shape: counted };
  },
} satisfies Partial<Rules<PrimitiveName>>;
