// The table of kernels, one per primitive.

import type { KernelTable } from './kernel.js';
import { convolution } from './kernels/convolution.js';
import { elementwise } from './kernels/elementwise.js';
import { matrixProduct } from './kernels/matmul.js';
import { pooling } from './kernels/pooling.js';
import { reduction } from './kernels/reduction.js';
import { shapeOperations } from './kernels/shape.js';

export const kernels: KernelTable = {
  ...elementwise,
  ...reduction,
  ...shapeOperations,
  ...matrixProduct,
  ...convolution,
  ...pooling,
};
