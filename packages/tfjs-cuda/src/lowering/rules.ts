// The table of rules: one per primitive, and per fused operation that TensorFlow.js has a kernel for. A missing one is a
// compile error that names it.

import type { PrimitiveName } from '@bn/core';
import type { Rule } from './rule.js';
import { convolution } from './rules/convolution.js';
import { elementwise } from './rules/elementwise.js';
import { matrixProduct } from './rules/matmul.js';
import { pooling } from './rules/pooling.js';
import { reduction, softmax } from './rules/reduction.js';
import { shapeOperations } from './rules/shape.js';

export type LoweredName = PrimitiveName | 'softmax' | 'relu';

export const rules: { readonly [Op in LoweredName]: Rule<Op> } = {
  ...elementwise,
  ...reduction,
  ...shapeOperations,
  ...matrixProduct,
  ...convolution,
  ...pooling,
  softmax,
};
