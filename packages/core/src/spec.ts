// Shapes, element types and the typed arrays that hold them.

import { BnError } from './errors.js';

/** Element types of graphs. (The reference backend can compute float32 graphs in float64: that is its own business.) */
export type DType = 'float32' | 'int32' | 'uint8' | 'bool';

/** A dimension's size; `null` is the symbolic batch size of inference graphs. */
export type Dimension = number | null;
export type Shape = readonly Dimension[];

/** Shape and element type of a tensor. */
export interface Spec {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** Host data. bool is held as bytes 0 and 1; Float64Array occurs only with the reference backend's `precision: 64`. */
export type TypedArray = Float32Array | Float64Array | Int32Array | Uint8Array;

/** A float32 tensor on the host. */
export interface HostTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** A zero-filled array for `size` elements of `dtype`. */
export function createArray(dtype: DType, size: number): TypedArray {
  if (dtype === 'float32') return new Float32Array(size);
  return dtype === 'int32' ? new Int32Array(size) : new Uint8Array(size);
}

/** Arrays of one kind, one after the other. */
export function joinArrays<A extends TypedArray>(parts: readonly A[]): A {
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  const joined = new (parts[0]!.constructor as new (size: number) => A)(size);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Number of elements; throws `shape` when the shape has a symbolic dimension. */
export function sizeOf(shape: Shape): number {
  return staticShape(shape).reduce((product, n) => product * n, 1);
}

/** The shape as numbers; throws `shape` when it has a symbolic dimension. */
export function staticShape(shape: Shape, what = 'this operation'): readonly number[] {
  if (shape.includes(null)) {
    const why = 'models that are exported, or read from a file, take batches of any size';
    throw new BnError('shape', `${what} depends on the batch size, which is open in ${formatShape(shape)}: ${why}`);
  }
  return shape as readonly number[];
}

/** `[256, 1, 28, 28]`; a symbolic dimension prints as `batch`. */
export function formatShape(shape: Shape): string {
  return `[${shape.map((n) => n ?? 'batch').join(', ')}]`;
}

/** `float32 [256, 1, 28, 28]`. */
export function formatSpec(spec: Spec): string {
  return `${spec.dtype} ${formatShape(spec.shape)}`;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((n, i) => n === b[i]);
}

/** Row-major strides, in elements. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= shape[i]!;
  }
  return strides;
}
