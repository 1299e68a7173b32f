// Operations that move elements without computing.

import { createArray } from '@bn/core';
import type { Rules } from '../rules.js';

type Name = 'reshape' | 'transpose' | 'broadcastTo' | 'pad' | 'slice' | 'concat' | 'gather' | 'iota';

export const shapeOperations: Rules<Name> = {
  reshape: ({ inputs: [x], attributes: { shape } }, to) => to.reshape(to.value(x!), shape),
  transpose: ({ inputs: [x], attributes: { permutation } }, to) => to.transpose(to.value(x!), permutation),
  // Only users that do not broadcast themselves ask for the full shape.
  broadcastTo: ({ inputs: [x] }, to) => to.operand(x!),
  pad: ({ inputs: [x], attributes: { before, after, value } }, to) =>
    to.emit('Pad', [
      to.value(x!),
      to.int64([...before, ...after]),
      to.constant(createArray(x!.dtype, 1).fill(value), x!.dtype, []),
    ]),
  slice: ({ inputs: [x], attributes: { start, end } }, to) => {
    const cut = x!.shape.flatMap((n, axis) => (start[axis] === 0 && end[axis] === n ? [] : [axis]));
    // Cut axes have numbers as ends: a symbolic axis is kept whole.
    const along = (list: readonly (number | null)[]) => cut.map((axis) => list[axis]!);
    return to.slice(to.value(x!), along(start), along(end), cut);
  },
  concat: ({ inputs, attributes: { axis } }, to) =>
    to.emit(
      'Concat',
      inputs.map((x) => to.value(x)),
      { axis },
    ),
  gather: ({ inputs: [x, indices], attributes: { axis } }, to) =>
    to.emit('Gather', [to.value(x!), to.value(indices!)], { axis }),
  // One line of numbers, to be broadcast along the other axes.
  iota: ({ attributes: { shape, axis } }, to) => {
    const counted = shape.map((n, i) => (i === axis ? n : 1));
    return {
      name: to.constant(
        Int32Array.from({ length: shape[axis]! }, (_, i) => i),
        'int32',
        counted,
      ),
      shape: counted,
    };
  },
};
