// What an ONNX value is while a model is being traced: a tensor of the network, or a number that is known already.

import { BnError, constant, type DType, formatShape, ops, sizeOf, stridesOf, type Tensor } from '@bn/core';

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

/** Throws `unsupported` for what holds the open size of the batch, and for what has no elements. */
export function tensorOf({ dtype, shape, data }: Constant): Tensor {
  const what = data.includes(null as never)
    ? 'it computes with the size of the batch'
    : shape.includes(0) && `it computes with an empty tensor ${formatShape(shape)}`;
  if (what) throw new BnError('unsupported', `${what}; that is not imported`);
  return constant(data as readonly number[], shape, dtype);
}

/** Integers or bools that do not depend on the data, as those that shapes are computed with. */
export function isKnown(value: Value): value is Constant {
  return isConstant(value) && value.dtype !== 'float32';
}

/** Known to have no elements. */
export function isEmpty(value: Value): value is Constant {
  return isConstant(value) && value.data.length === 0;
}

export type Numbers = (a: number, b: number) => number;

/** Larger ones are not computed with. */
const mostKnown = 2 ** 20;

/**
 * The numbers of two values, with broadcasting. `neutral`: the second number that leaves the first as it is, also where that is the open
 * size of the batch.
 *
 * @throws `unsupported` where the size of the batch would be computed with
 */
export function combined(
  a: Constant,
  b: Constant,
  numbers: Numbers,
  { neutral, dtype = 'int32' }: { readonly neutral?: number | undefined; readonly dtype?: DType } = {},
): Constant {
  const shape = ops.broadcastShapes('its inputs', [a, b]) as number[];
  if (sizeOf(shape) > mostKnown) throw new BnError('unsupported', 'so many integers are not computed with');
  const [fromA, fromB] = [positions(a.shape, shape), positions(b.shape, shape)];
  const data = Array.from({ length: sizeOf(shape) }, (_, i) => {
    const [x, y] = [a.data[fromA(i)]!, b.data[fromB(i)]!];
    if (y === neutral) return x;
    if (x === null || y === null)
      throw new BnError('unsupported', 'it computes with the size of the batch; that is not imported');
    return Number(numbers(x, y));
  });
  return { dtype, shape, data };
}

/** The entries of a value at these places along an axis. */
export function taken({ dtype, shape, data }: Constant, axis: number, places: readonly number[]): Constant {
  const inner = sizeOf(shape.slice(axis + 1));
  const outer = sizeOf(shape.slice(0, axis));
  const from = (i: number, place: number, k: number) => data[(i * shape[axis]! + place) * inner + k]!;
  const all = Array.from({ length: outer }, (_, i) =>
    places.map((place) => Array.from({ length: inner }, (_, k) => from(i, place, k))),
  );
  return { dtype, shape: shape.with(axis, places.length), data: all.flat(2) };
}

/** A value with its axes in another order. */
export function transposed({ dtype, shape, data }: Constant, order: readonly number[]): Constant {
  const strides = stridesOf(shape);
  const to = order.map((axis) => shape[axis]!);
  const steps = stridesOf(to);
  const from = (i: number) =>
    order.reduce((sum, axis, k) => sum + (Math.floor(i / steps[k]!) % to[k]!) * strides[axis]!, 0);
  return { dtype, shape: to, data: Array.from({ length: data.length }, (_, i) => data[from(i)]!) };
}

/** Where an element of the broadcast result comes from. */
function positions(from: readonly number[], to: readonly number[]): (i: number) => number {
  const strides = stridesOf(to);
  const own = stridesOf(from);
  const skipped = to.length - from.length;
  return (i) => from.reduce((sum, n, axis) => sum + (Math.floor(i / strides[axis + skipped]!) % n) * own[axis]!, 0);
}
