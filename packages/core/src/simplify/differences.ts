// Rules for differences of what has a term in common: batch normalization takes a value of the channel from all of its
// values, and the bias of the layer before is in both.

import { add, broadcastShapes, sub } from '../ops/elementwise.js';
import { slice } from '../ops/shape.js';
import { isOp, type Tensor } from '../tensor.js';
import type { Rule, Rules } from './simplify.js';

/** (a + b)[…] = a[…] + b, where b is the same all along the axes that are cut. */
const sliceOfSum: Rule = (node) => {
  const [x] = node.inputs as [Tensor];
  if (!isOp(node, 'slice') || !isOp(x, 'add')) return null;
  const { start } = node.attributes;
  const [a, b] = x.inputs as [Tensor, Tensor];
  const isCut = node.shape.map((size, axis) => size !== x.shape[axis]);
  const lead = isCut.length - b.shape.length;
  if (a.shape.join() !== x.shape.join() || b.shape.some((n, i) => isCut[lead + i] && n !== 1)) return null;
  const end = start.map((from, axis) => (isCut[axis] ? from + node.shape[axis]! : x.shape[axis]!));
  return add(slice(a, start, end), b);
};

/** (a + b) − (c + b) = a − c. */
const commonTerm: Rule = (node) => {
  const [x, y] = node.inputs as [Tensor, Tensor];
  if (!isOp(node, 'sub') || !isOp(x, 'add') || !isOp(y, 'add') || x.inputs[1] !== y.inputs[1]) return null;
  const [a, c] = [x.inputs[0]!, y.inputs[0]!];
  return broadcastShapes('sub', [a, c]).join() === node.shape.join() ? sub(a, c) : null;
};

export const differences: Rules = { slice: [sliceOfSum], sub: [commonTerm] };
