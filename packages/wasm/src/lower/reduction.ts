// Rules of reductions along axes.

import type { Tensor } from '@bn/core';
import type { Index, Loop } from '../ir/index-form.js';
import type { Lowering, Rule } from './rule.js';

export const reduction: { readonly [P in 'sum' | 'max' | 'argmax']: Rule<P> } = {
  sum: { reduce: (node, indices, lowering) => alongAxes('sum', node, indices, lowering) },
  max: { reduce: (node, indices, lowering) => alongAxes('max', node, indices, lowering) },
  argmax: {
    reduce: ({ inputs: [x], attributes: { axis } }, indices, lowering) => {
      const { loops, indices: inner } = lowering.loops([x.shape[axis]!], null, 'a');
      const value = lowering.at(x, [...indices.slice(0, axis), inner[0], ...indices.slice(axis)]);
      return { reduction: 'argmax', inner: loops, value, position: inner[0] };
    },
  },
};

function alongAxes(op: 'sum' | 'max', node: Tensor<'sum' | 'max'>, indices: readonly Index[], lowering: Lowering) {
  const [x] = node.inputs;
  const { axes, keepDims } = node.attributes;
  const kept = keepDims ? indices.filter((_, axis) => !axes.includes(axis)) : [...indices];
  const inner: Loop[] = [];
  const all = x.shape.map((_, axis) => {
    if (!axes.includes(axis)) return kept.shift()!;
    const { loops, index } = lowering.axisLoops(x, axis, `r${axis}`);
    inner.push(...loops);
    return index;
  });
  return { reduction: op, inner, value: lowering.at(x, all) } as const;
}
