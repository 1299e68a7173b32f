// Elementwise operations. ONNX broadcasts as NumPy does, so that pending broadcasts stay pending.

import { type DType, type OperationName, ops, type PrimitiveName, type Tensor } from '@bn/core';
import type { Lowering, Operand } from '../lowering.js';
import type { Rule, Rules } from '../rules.js';
import { addBias } from './add-bias.js';

/** An operator that takes the node's operands as they are. */
const same =
  <Op extends OperationName>(operator: string): Rule<Op> =>
  (node, to) => {
    const operands = node.inputs.map((x) => to.operand(x));
    return apply(operator, operands, to);
  };

/** A comparison that runtimes have for these element types only; others are compared as int32, which holds them all. */
const comparison =
  <Op extends 'equal' | 'less'>(operator: string, ...native: readonly DType[]): Rule<Op> =>
  (node, to) => {
    const given = (x: Tensor) => (native.includes(x.dtype) ? to.operand(x) : castTo('int32', to.operand(x), to));
    return apply(operator, node.inputs.map(given), to);
  };

export const elementwise = {
  add: (node, to) => addBias(node, to) ?? same('Add')(node, to),
  sub: same('Sub'),
  mul: same('Mul'),
  div: same('Div'),
  maximum: same('Max'),
  minimum: same('Min'),
  neg: same('Neg'),
  exp: same('Exp'),
  log: same('Log'),
  sqrt: same('Sqrt'),
  tanh: same('Tanh'),
  sigmoid: same('Sigmoid'),
  erf: same('Erf'),
  equal: comparison('Equal', 'float32', 'int32', 'bool'),
  less: comparison('Less', 'float32', 'int32'),
  where: (node, to) => {
    if (node.dtype !== 'bool') return same('Where')(node, to);
    // ONNX Runtime chooses between numbers only.
    const [condition, ...choices] = node.inputs.map((x) => to.operand(x)) as [Operand, Operand, Operand];
    const chosen = apply('Where', [condition, ...choices.map((x) => castTo('uint8', x, to))], to);
    return castTo('bool', chosen, to);
  },
  cast: (node, to) => castTo(node.attributes.dtype, to.operand(node.inputs[0]!), to),
} satisfies Partial<Rules<PrimitiveName>>;

function apply(operator: string, operands: readonly Operand[], to: Lowering): Operand {
  const names = operands.map((x) => x.name);
  return { name: to.emit(operator, names), shape: ops.broadcastShapes(operator, operands) };
}

function castTo(dtype: DType, { name, shape }: Operand, to: Lowering): Operand {
  return { name: to.cast(name, dtype), shape };
}
