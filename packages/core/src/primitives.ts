// The closed set of primitive operations: what every backend implements, and all that one has to.

import { type ConvolutionAttributes, convolution } from './ops/convolution.js';
import { type ElementwiseAttributes, elementwise } from './ops/elementwise.js';
import { type MatmulAttributes, matrixProduct } from './ops/matmul.js';
import { type PoolingAttributes, pooling } from './ops/pooling.js';
import { type ReductionAttributes, reduction } from './ops/reduction.js';
import { type ShapeAttributes, shapeOperations } from './ops/shape.js';
import type { Definitions } from './primitive.js';

export interface PrimitiveAttributes
  extends ElementwiseAttributes,
    ReductionAttributes,
    ShapeAttributes,
    MatmulAttributes,
    ConvolutionAttributes,
    PoolingAttributes {}

export type PrimitiveName = keyof PrimitiveAttributes;

export const primitives: Definitions<PrimitiveName> = {
  ...elementwise,
  ...reduction,
  ...shapeOperations,
  ...matrixProduct,
  ...convolution,
  ...pooling,
};

/** A table with an entry for every primitive: a missing one is a compile error that names it. */
export type PrimitiveTable<Entry> = { readonly [P in PrimitiveName]: Entry };
