// Slice, of tensors and of shapes.

import { BnError, constant, type Dimension, formatShape, ops, type Shape } from '@bn/core';
import { damaged } from '../damaged.js';
import type { NodeContext } from '../node-context.js';
import { isKnown, taken, type Value } from '../value.js';

interface Cut {
  readonly axis: number;
  readonly start: number;
  readonly end: number;
  readonly step: number;
}

export function slice(node: NodeContext): Value {
  const x = node.value(0);
  const cuts = cutsOf(node, x.shape);
  if (isKnown(x)) {
    return cuts.reduce((y, cut) => taken(y, cut.axis, pick([...Array(y.shape[cut.axis]).keys()], cut) as number[]), x);
  }
  const from = x.shape.map(() => 0);
  const to: Dimension[] = [...x.shape];
  const inSteps = cuts.filter(({ step }) => step !== 1);
  for (const { axis, start, end } of cuts.filter(({ step }) => step === 1)) {
    const n = x.shape[axis]!;
    if (n === null) {
      if (start === 0 && end >= 2 ** 31 - 1) continue;
      throw node.unsupported('a part of the batch');
    }
    const within = (i: number) => Math.min(n, Math.max(0, i < 0 ? i + n : i));
    from[axis] = within(start);
    to[axis] = within(end);
    if (from[axis]! >= within(end)) throw node.unsupported('an empty result');
  }
  return inSteps.reduce(
    (y, cut) => {
      const n = y.shape[cut.axis];
      if (n == null) throw node.unsupported('a part of the batch');
      const indices = pick([...Array(n).keys()], cut) as number[];
      if (indices.length === 0) throw node.unsupported('an empty result');
      return ops.gather(y, constant(indices, [indices.length], 'int32'), cut.axis);
    },
    ops.slice(node.tensor(0), from, to),
  );
}

/** Before opset 10 the bounds are attributes, then inputs. */
function cutsOf(node: NodeContext, shape: Shape): Cut[] {
  const given = (name: string, i: number) => node.attributes.ints(name) ?? (node.has(i) ? node.integers(i) : undefined);
  const [starts, ends, axes, steps] = [given('starts', 1), given('ends', 2), given('axes', 3), given('steps', 4)];
  const lists = [ends, axes, steps].filter((list) => list !== undefined);
  if (!starts || !ends || lists.some((list) => list.length !== starts.length)) {
    throw damaged('its starts, ends, axes and steps do not go together');
  }
  const cuts = starts.map((start, i) => {
    return { axis: node.axis(axes?.[i] ?? i, shape), start, end: ends[i]!, step: steps?.[i] ?? 1 };
  });
  if (new Set(cuts.map(({ axis }) => axis)).size === cuts.length) return cuts;
  throw damaged(`it cuts an axis of ${formatShape(shape)} twice`);
}

/** Numbers from `start` up to or down to `end`; negative bounds count from the end. */
function pick(data: readonly (number | null)[], { start, end, step }: Cut): (number | null)[] {
  const n = data.length;
  if (!Number.isInteger(step) || step === 0) throw new BnError('data', `the step ${step} makes no sense`);
  const [lowest, highest] = step > 0 ? [0, n] : [-1, n - 1];
  const within = (i: number) => Math.min(highest, Math.max(lowest, i < 0 ? i + n : i));
  const picked = [];
  for (let i = within(start); step > 0 ? i < within(end) : i > within(end); i += step) picked.push(data[i]!);
  return picked;
}
