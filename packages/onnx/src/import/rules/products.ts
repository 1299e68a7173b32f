// Matrix products.

import { formatShape, ops, type Tensor } from '@bn/core';
import type { NodeContext } from '../node-context.js';
import type { ImportRules } from '../rules.js';

export const products: ImportRules = {
  // alpha · A′ · B′ + beta · C
  Gemm: (node) => {
    const { attributes } = node;
    const transposed = { transposeA: attributes.int('transA', 0) !== 0, transposeB: attributes.int('transB', 0) !== 0 };
    const product = scaled(ops.matmul(matrix(node, 0), matrix(node, 1), transposed), attributes.float('alpha', 1));
    const beta = attributes.float('beta', 1);
    return node.has(2) && beta !== 0 ? ops.add(product, scaled(node.tensor(2), beta)) : product;
  },
  MatMul: (node) => ops.matmul(matrix(node, 0), matrix(node, 1)),
};

function matrix(node: NodeContext, i: number): Tensor {
  const x = node.tensor(i);
  if (x.shape.length >= 2) return x;
  throw node.unsupported(`its input ${i} has the shape ${formatShape(x.shape)}, with less than two axes`);
}

function scaled(x: Tensor, factor: number): Tensor {
  return factor === 1 ? x : ops.mul(x, factor);
}
