// The lowering table: how each operation becomes ONNX operators. A missing primitive is a compile error that names it.

import type { FusedName, OperationName, PrimitiveName, Tensor } from '@bn/core';
import type { Lowering, Operand } from './lowering.js';
import { convolution } from './ops/convolution.js';
import { elementwise } from './ops/elementwise.js';
import { fused } from './ops/fused.js';
import { matrixProduct } from './ops/matmul.js';
import { pooling } from './ops/pooling.js';
import { reduction } from './ops/reduction.js';
import { shapeOperations } from './ops/shape.js';

/** Emits the operators that compute a node, and gives the value that holds its result. */
export type Rule<Op extends OperationName> = (node: Tensor<Op>, to: Lowering) => Operand | string;

export type Rules<Ops extends OperationName> = { readonly [Op in Ops]: Rule<Op> };

/** Fused operations without a rule are lowered as what they decompose into. */
export const rules: Rules<PrimitiveName> & Partial<Rules<FusedName>> = {
  ...elementwise,
  ...reduction,
  ...shapeOperations,
  ...matrixProduct,
  ...convolution,
  ...pooling,
  ...fused,
};
