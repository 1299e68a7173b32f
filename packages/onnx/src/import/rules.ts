// How each ONNX operator that is imported becomes operations of @bn/core. What is not in this table is an error.

import type { NodeContext } from './node-context.js';
import { convolution } from './rules/convolution.js';
import { elementwise } from './rules/elementwise.js';
import { normalization } from './rules/normalization.js';
import { products } from './rules/products.js';
import { reduction } from './rules/reduction.js';
import { shape } from './rules/shape.js';
import type { Value } from './value.js';

/** The value of the node's first output. */
export type ImportRule = (node: NodeContext) => Value;

export type ImportRules = Readonly<Record<string, ImportRule>>;

export const rules: ImportRules = {
  ...elementwise,
  ...reduction,
  ...shape,
  ...products,
  ...convolution,
  ...normalization,
};
