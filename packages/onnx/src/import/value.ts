// What an ONNX value is while a model is being traced: a tensor of the network, or a number that is known already.

import type { DType, Tensor } from '@bn/core';

/**
 * A value that does not depend on the data: weights, axes, shapes. Integers may be the batch size, which is `null` where
 * it is left open.
 */
export interface Constant {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: Float32Array | readonly (number | null)[];
}

export type Value = Tensor | Constant;

export function isConstant(value: Value): value is Constant {
  return !('op' in value);
}

/** int64 and int32 alike; `shape` by default one axis. */
export function integers(data: readonly (number | null)[], shape: readonly number[] = [data.length]): Constant {
  return { dtype: 'int32', shape, data };
}
