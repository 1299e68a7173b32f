// Matrix products: Gemm transposes on the side, but takes matrices only; MatMul takes any number of leading axes.

import { ops, sameShape, type Tensor } from '@bn/core';
import type { Lowering, Operand } from '../lowering.js';
import type { Rules } from '../rules.js';

export const matrixProduct: Rules<'matmul'> = {
  matmul: (node, to) => (node.shape.length === 2 ? multiply(node, to) : multiplyStacks(node, to)),
};

/** A product of two matrices, plus a bias that broadcasts to it. */
export function multiply(node: Tensor<'matmul'>, to: Lowering, bias?: string): string {
  const [a, b] = node.inputs as [Tensor, Tensor];
  const { transposeA, transposeB } = node.attributes;
  const operands = [to.value(a), to.value(b)];
  if (!transposeA && !transposeB && bias === undefined) return to.emit('MatMul', operands);
  return to.emit('Gemm', bias === undefined ? operands : [...operands, bias], {
    ...(transposeA ? { transA: 1 } : {}),
    ...(transposeB ? { transB: 1 } : {}),
  });
}

function multiplyStacks(node: Tensor<'matmul'>, to: Lowering): string {
  const [a, b] = node.inputs as [Tensor, Tensor];
  const { transposeA, transposeB } = node.attributes;
  const pending = [matrices(a, to), matrices(b, to)] as const;
  // MatMul broadcasts leading axes itself, as long as one operand has all of them.
  const leading = pending.map(({ shape }) => ({ shape: shape.slice(0, -2) }));
  const complete = sameShape(ops.broadcastShapes(node.op, leading), node.shape.slice(0, -2));
  const [x, y] = complete ? pending : [full(a, to), full(b, to)];
  return to.emit('MatMul', [transposeA ? swapped(x, to) : x.name, transposeB ? swapped(y, to) : y.name]);
}

/** x with broadcasts pending along its leading axes at most. */
function matrices(x: Tensor, to: Lowering): Operand {
  const operand = to.operand(x);
  return sameShape(operand.shape.slice(-2), x.shape.slice(-2)) ? operand : full(x, to);
}

function full(x: Tensor, to: Lowering): Operand {
  return { name: to.value(x), shape: x.shape };
}

function swapped({ name, shape }: Operand, to: Lowering): string {
  const rank = shape.length;
  return to.transpose(name, [...shape.keys()].slice(0, -2).concat(rank - 1, rank - 2));
}
