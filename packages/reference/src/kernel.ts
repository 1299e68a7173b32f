// What a kernel is: one primitive computed by a plain loop.

import type { DType, PrimitiveAttributes, PrimitiveName, TypedArray } from '@bn/core';

/** A tensor's elements in row-major order. */
export interface Elements {
  readonly data: TypedArray;
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** Fills `y`, which has the result's shape and dtype and holds zeros. */
type Kernel<P extends PrimitiveName> = (
  y: Elements,
  inputs: readonly Elements[],
  attributes: PrimitiveAttributes[P],
) => void;

/** A kernel for every primitive: a missing one is a compile error that names it. */
export type KernelTable = { readonly [P in PrimitiveName]: Kernel<P> };
