// Rules for operations that only move elements: two in a row are one, and arithmetic broadcasts by itself.

import { broadcastShapes, elementwise } from '../ops/elementwise.js';
import { broadcastTo, reshape, transpose } from '../ops/shape.js';
import { isOp, type OperationName, Tensor } from '../tensor.js';
import type { Rule, Rules } from './simplify.js';

/** Row-major order does not change with the shape: of reshapes the last one counts. */
const reshapeOfReshape: Rule = (node) => {
  const [x] = node.inputs;
  return isOp(node, 'reshape') && isOp(x!, 'reshape') ? reshape(x.inputs[0]!, node.shape) : null;
};

/** Axis i of the result is axis p[i] of something whose axis j is axis q[j] of x: axis q[p[i]] of x. */
const transposeOfTranspose: Rule = (node) => {
  const [x] = node.inputs;
  if (!isOp(node, 'transpose') || !isOp(x!, 'transpose')) return null;
  const { permutation } = x.attributes;
  return transpose(
    x.inputs[0]!,
    node.attributes.permutation.map((axis) => permutation[axis]!),
  );
};

/** Axes are stretched once, to the size they have in the end. */
const broadcastOfBroadcast: Rule = (node) => {
  const [x] = node.inputs;
  return isOp(node, 'broadcastTo') && isOp(x!, 'broadcastTo') ? broadcastTo(x.inputs[0]!, node.shape) : null;
};

/** What is done to each element can be done before elements are repeated; and arithmetic repeats what it has to. */
const broadcastOfOperand: Rule = (node) => {
  if (!node.inputs.some((x) => isOp(x, 'broadcastTo'))) return null;
  const inputs = node.inputs.map((x) => (isOp(x, 'broadcastTo') ? x.inputs[0]! : x));
  const spec = { dtype: node.dtype, shape: broadcastShapes(node.op, inputs) };
  return broadcastTo(new Tensor<OperationName>(node.op, inputs, node.attributes, spec), node.shape);
};

export const movements: Rules = {
  reshape: [reshapeOfReshape],
  transpose: [transposeOfTranspose],
  broadcastTo: [broadcastOfBroadcast],
  ...Object.fromEntries(Object.keys(elementwise).map((op) => [op, [broadcastOfOperand]])),
};
