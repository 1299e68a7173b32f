// Rules of reductions along axes.

import type { Tensor } from '@bn/core';
import type { Index, Loop } from '../ir/index-form.js';
import { knownAxes, readOnce } from './axes.js';
import type { Facts, Lowering, Rule } from './rule.js';

/** Of reductions: lanes may lie on what is left, and on what is reduced too, but for argmax. */
const facts = {
  ...knownAxes,
  ...{ takesLanes: () => true, mixesRows: () => false, products: () => 0, cost: 0 },
  ...{ readsMemory: () => false, spreads: false, elementsRead: readOnce, rounding: () => 'bits' },
} satisfies Partial<Facts<never>>;

export const reduction: { readonly [P in 'sum' | 'max' | 'argmax']: Rule<P> } = {
  sum: { ...facts, reduce: (node, indices, lowering) => alongAxes('sum', node, indices, lowering) },
  max: { ...facts, reduce: (node, indices, lowering) => alongAxes('max', node, indices, lowering) },
  argmax: {
    ...facts,
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
