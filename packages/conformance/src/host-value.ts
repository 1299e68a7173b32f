// Tensors on the host, as the cases write them.

import { type DType, type Spec, sizeOf, type TypedArray } from '@bn/core';

/** Elements in row-major order. float32 values are held in double precision and rounded on upload. */
export interface HostValue extends Spec {
  readonly shape: readonly number[];
  readonly data: TypedArray;
}

/** Values by the names of graph inputs or outputs. */
export type HostValues = Readonly<Record<string, HostValue>>;

type Nested = number | readonly Nested[];

export function float32(values: Nested): HostValue {
  return fromNested(values, 'float32');
}
export function int32(values: Nested): HostValue {
  return fromNested(values, 'int32');
}
export function uint8(values: Nested): HostValue {
  return fromNested(values, 'uint8');
}
/** 0 and 1. */
export function bool(values: Nested): HostValue {
  return fromNested(values, 'bool');
}

/** A value from a flat list. */
export function hostValue(data: ArrayLike<number>, shape: readonly number[], dtype: DType = 'float32'): HostValue {
  const array = dtype === 'float32' ? Float64Array : dtype === 'int32' ? Int32Array : Uint8Array;
  return { data: array.from(data), shape, dtype };
}

/** Integers from −5 to 5 in a fixed order that has no symmetry: element i is (7i + 3 start) mod 11 − 5. */
export function pattern(shape: readonly number[], start = 0): HostValue {
  return hostValue(
    Array.from({ length: sizeOf(shape) }, (_, i) => ((7 * i + 3 * start) % 11) - 5),
    shape,
  );
}

function fromNested(values: Nested, dtype: DType): HostValue {
  const shape: number[] = [];
  for (let level = values; typeof level !== 'number'; level = level[0]) shape.push(level.length);
  return hostValue(flatten(values), shape, dtype);
}

function flatten(values: Nested): number[] {
  return typeof values === 'number' ? [values] : values.flatMap(flatten);
}
