// The table of rules: one for each primitive, so that any graph runs.

import type { PrimitiveName } from '@bn/core';
import { contraction } from './contraction.js';
import { elementwise } from './elementwise.js';
import { pooling } from './pooling.js';
import { reduction } from './reduction.js';
import type { Rule } from './rule.js';
import { shapeOperations } from './shape.js';

export const rules: { readonly [P in PrimitiveName]: Rule<P> } = {
  ...elementwise,
  ...reduction,
  ...shapeOperations,
  ...contraction,
  ...pooling,
};
