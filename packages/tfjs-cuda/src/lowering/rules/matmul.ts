// Matrix products.

import type { PrimitiveName } from '@bn/core';
import type { Ref } from '../../program/kernels.js';
import type { ProgramBuilder } from '../../program/program-builder.js';
import type { Rule } from '../rule.js';

export const matrixProduct = {
  matmul: (node, lowering) => {
    const [a, b] = node.inputs.map((x) => lowering.ref(x, 'plain'));
    const { builder } = lowering;
    const shape = lowering.sizes(node.shape);
    const { transposeA, transposeB } = node.attributes;
    if (lowering.engine !== 'wasm' || shape.slice(0, -2).some((n) => n !== 1)) {
      return builder.call('BatchMatMul', [a, b], { transposeA, transposeB }, shape);
    }
    const factors = [transposeA ? flipped(builder, a) : a, transposeB ? flipped(builder, b) : b] as const;
    return fastProduct(builder, factors, shape);
  },
} satisfies Partial<{ [Op in PrimitiveName]: Rule<Op> }>;

/** The two last axes exchanged. */
function flipped(builder: ProgramBuilder, x: Ref): Ref {
  const axes = x.shape.map((_, axis) => axis);
  return builder.transpose(x, [...axes.slice(0, -2), ...axes.slice(-2).reverse()]);
}

/** The WebAssembly engine multiplies two single matrices fast only if neither is transposed. */
function fastProduct(builder: ProgramBuilder, [a, b]: readonly [Ref, Ref], shape: readonly number[]): Ref {
  const [k, n] = b.shape.slice(-2);
  const operands = [a, builder.reshape(ownShape(builder, b, k, n), b.shape)];
  return builder.call('BatchMatMul', operands, { transposeA: false, transposeB: false }, shape);
}

/**
 * The second factor as a tensor that exists in this run and shape only. The engine packs it, and finds it packed again
 * by the identity of its data, whatever its shape is by then.
 */
function ownShape(builder: ProgramBuilder, x: Ref, k: number, n: number): Ref {
  const source = builder.beforeReshape(x);
  if (builder.isComputed(source) && String(source.shape.slice(-2)) === String([k, n])) return x;
  // In this shape, so that another one is another copy.
  return builder.call('Slice', [builder.reshape(x, [k, n])], { begin: [0, 0], size: [k, n] }, [k, n]);
}
