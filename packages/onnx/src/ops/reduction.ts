// Reductions.

import type { Rules } from '../rules.js';

export const reduction: Rules<'sum' | 'max' | 'argmax'> = {
  // Without axes ONNX would reduce all of them, core none.
  sum: ({ inputs: [x], attributes: { axes, keepDims } }, to) =>
    axes.length === 0
      ? to.operand(x!)
      : to.emit('ReduceSum', [to.value(x!), to.int64(axes)], { keepdims: keepDims ? 1 : 0 }),
  max: ({ inputs: [x], attributes: { axes, keepDims } }, to) =>
    axes.length === 0 ? to.operand(x!) : to.emit('ReduceMax', [to.value(x!)], { axes, keepdims: keepDims ? 1 : 0 }),
  // ONNX counts in int64.
  argmax: ({ inputs: [x], attributes: { axis } }, to) =>
    to.cast(to.emit('ArgMax', [to.value(x!)], { axis, keepdims: 0 }), 'int32'),
};
