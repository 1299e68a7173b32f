// How each ONNX operator that is imported becomes operations of @bn/core. What is not in this table is an error.

import type { NodeContext } from './node-context.js';
import { activations } from './rules/activations.js';
import { convolution } from './rules/convolution.js';
import { elementwise } from './rules/elementwise.js';
import { layout } from './rules/layout.js';
import { logic } from './rules/logic.js';
import { normalization } from './rules/normalization.js';
import { products } from './rules/products.js';
import { reduction } from './rules/reduction.js';
import { resize } from './rules/resize.js';
import { shape } from './rules/shape.js';
import type { Value } from './value.js';

/** The value of the node's first output, or those of all. */
export type ImportRule = (node: NodeContext) => Value | readonly Value[];

export type ImportRules = Readonly<Record<string, ImportRule>>;

export const rules: ImportRules = {
  ...elementwise,
  ...activations,
  ...logic,
  ...reduction,
  ...shape,
  ...layout,
  ...products,
  ...convolution,
  ...normalization,
  ...resize,
};
