// Operators that move elements without computing, and arithmetic with shapes, in which the batch may be a symbol.

import { BnError, constant, formatShape, ops, type Shape, sizeOf, type Tensor } from '@bn/core';
import { damaged } from '../damaged.js';
import type { NodeContext } from '../node-context.js';
import type { ImportRules } from '../rules.js';
import {
  type Constant,
  combined,
  integers,
  isConstant,
  isKnown,
  taken,
  tensorOf,
  transposed,
  type Value,
} from '../value.js';
import { slice } from './slice.js';

/** Integers that one operator may join. */
const mostIntegers = 2 ** 20;

export const shape: ImportRules = {
  Identity: (node) => node.value(0),
  Shape: (node) => {
    const { shape } = node.value(0);
    const [start, end] = [node.attributes.int('start', 0), node.attributes.int('end', shape.length)];
    return integers(shape.slice(start, end));
  },
  Size: (node) => {
    const { shape } = node.value(0);
    const size = sizeOf(shape.filter((n) => n !== null));
    const open = (shape as Shape).includes(null);
    if (open && size !== 1) throw node.unsupported('it computes with the size of the batch');
    const counts: (number | null)[] = [open ? null : size];
    return integers(counts, []);
  },
  Range: (node) => {
    const [start, limit, delta] = [node.number(0), node.number(1), node.number(2)];
    const count = Math.max(0, Math.ceil((limit - start) / delta));
    if (!(count <= mostIntegers)) throw node.unsupported('so many numbers');
    const data = Array.from({ length: count }, (_, i) => start + i * delta);
    const { dtype } = node.value(0);
    return dtype === 'float32' ? { dtype, shape: [count], data: Float32Array.from(data) } : integers(data);
  },
  Reshape: (node) => {
    const x = node.value(0);
    return reshaped(x, resolve(x.shape, node.sizes(1), node));
  },
  Flatten: (node) => {
    const x = node.tensor(0);
    const given = node.attributes.int('axis', 1);
    const axis = given === x.shape.length ? given : node.axis(given, x.shape);
    if (axis === 1) return ops.reshape(x, [x.shape[0]!, sizeOf(x.shape.slice(1))]);
    if (x.shape.includes(null)) throw node.unsupported(`axis ${given}, which joins the batch with other axes`);
    return ops.reshape(x, [sizeOf(x.shape.slice(0, axis)), sizeOf(x.shape.slice(axis))]);
  },
  Squeeze: (node) => {
    const x = node.value(0);
    const ones = x.shape.flatMap((n, i) => (n === 1 ? [i] : []));
    const axes = node.axes(1)?.map((axis) => node.axis(axis, x.shape)) ?? ones;
    if (axes.some((axis) => x.shape[axis] !== 1)) {
      throw damaged(`it takes away axes [${axes}] of ${formatShape(x.shape)} that are not 1`);
    }
    const rest = x.shape.filter((_, i) => !axes.includes(i));
    return reshaped(x, rest);
  },
  Unsqueeze: (node) => {
    const x = node.value(0);
    const given = node.axes(1) ?? [];
    const rank = x.shape.length + given.length;
    const axes = new Set(given.map((axis) => (axis < 0 ? axis + rank : axis)));
    if (axes.size !== given.length || [...axes].some((axis) => !(axis >= 0 && axis < rank))) {
      throw damaged(`axes [${given}] are not distinct axes of a result of rank ${rank}`);
    }
    const rest = [...x.shape];
    const shape = Array.from({ length: rank }, (_, i) => (axes.has(i) ? 1 : rest.shift()!));
    return reshaped(x, shape);
  },
  Transpose: (node) => {
    const x = node.value(0);
    const order = node.attributes.ints('perm') ?? [...x.shape.keys()].reverse();
    if (!isKnown(x) || `${[...order].sort()}` !== `${[...x.shape.keys()].sort()}`) {
      return ops.transpose(node.tensor(0), node.attributes.ints('perm'));
    }
    return transposed(x, order);
  },
  Concat: (node) => {
    const values = node.node.inputs.map((_, i) => node.value(i));
    const axis = node.axis(node.attributes.int('axis', 1), values[0]!.shape);
    if (values.every(isKnown)) return joined(values, axis, node);
    const parts = values.filter(({ shape }) => !shape.includes(0));
    const tensors = parts.map((value) => (isConstant(value) ? tensorOf(value) : value));
    return ops.concat(withBatch(tensors, axis, node), axis);
  },
  Gather: (node) => {
    const x = node.value(0);
    const axis = node.axis(node.attributes.int('axis', 0), x.shape);
    const size = x.shape[axis];
    const indices = node.value(1);
    if (!isConstant(indices)) {
      if (size == null) throw node.unsupported('indices into the batch');
      // Negative ones count from the end; those that are still negative then are too small, and stay for the message.
      const shifted = ops.add(indices, size);
      const isFine = ops.equal(ops.less(indices, 0), ops.less(shifted, 0));
      return ops.gather(node.tensor(0), ops.where(isFine, indices, shifted), axis);
    }
    const chosen = node.integers(1).map((i) => (i < 0 && size != null ? i + size : i));
    if (size == null || chosen.some((i) => !(i >= 0 && i < size))) {
      throw damaged(`its indices are not all within ${formatShape(x.shape)}`);
    }
    if (!isKnown(x)) return ops.gather(node.tensor(0), constant(chosen, indices.shape, 'int32'), axis);
    const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
    return { ...taken(x, axis, chosen), shape };
  },
  Slice: slice,
  Expand: (node) => {
    const known = node.value(0);
    const whole = node.sizes(1);
    if (isKnown(known) && !whole.includes(null) && !known.shape.includes(0)) {
      const zeros = { dtype: 'int32', shape: whole as number[], data: [0] } as const;
      const all = { ...zeros, data: new Array<number>(Math.min(sizeOf(zeros.shape), mostIntegers + 1)).fill(0) };
      if (all.data.length > mostIntegers) throw node.unsupported('so many integers');
      return combined(known, all, (a) => a, { neutral: 0, dtype: known.dtype });
    }
    const x = node.tensor(0);
    // The two shapes broadcast to each other: a 1 in the wanted one leaves what is there.
    const wanted = node.sizes(1).map((n) => (n === null ? node.trace.batch : n));
    const rank = Math.max(wanted.length, x.shape.length);
    const aligned = (s: Shape) => [...Array<number>(rank - s.length).fill(1), ...s];
    const own = aligned(x.shape);
    const shape = aligned(wanted).map((n, i) => (n === 1 ? own[i]! : n));
    return ops.broadcastTo(x, shape);
  },
};

/** What has a batch of one in the file beside what has the batch, as ViT's class token does, is there for each example. */
function withBatch(tensors: readonly Tensor[], axis: number, { trace: { batch, fixedBatch } }: NodeContext): Tensor[] {
  const isOpen = fixedBatch === 1 && axis > 0 && tensors.some(({ shape }) => shape[0] === batch);
  return tensors.map((x) => (isOpen && x.shape[0] === 1 ? ops.broadcastTo(x, [batch, ...x.shape.slice(1)]) : x));
}

/** Integers or bools that are known, one after another along an axis. */
function joined(values: readonly Constant[], axis: number, node: NodeContext): Constant {
  const [{ dtype, shape }] = values as readonly [Constant, ...Constant[]];
  const others = (sizes: readonly number[]) => `${sizes.toSpliced(axis, 1)}`;
  const other = values.find((value) => others(value.shape) !== others(shape));
  if (other) throw damaged(`${formatShape(shape)} and ${formatShape(other.shape)} cannot be joined along axis ${axis}`);
  const size = values.reduce((sum, { data }) => sum + data.length, 0);
  if (size > mostIntegers) throw node.unsupported('so many integers');
  const outer = sizeOf(shape.slice(0, axis));
  const rows = Array.from({ length: outer }, (_, i) =>
    values.map(({ data }) => data.slice((i * data.length) / outer, ((i + 1) * data.length) / outer)),
  );
  const length = values.reduce((sum, value) => sum + (value.shape[axis] ?? 1), 0);
  return { dtype, shape: shape.toSpliced(axis, 1, length), data: rows.flat(2) as (number | null)[] };
}

function reshaped(x: Value, shape: Shape): Value {
  return isConstant(x) ? { ...x, shape: shape as readonly number[] } : ops.reshape(x, shape);
}

/** The shape that a Reshape asks for: 0 keeps a size, −1 is worked out, and the file's fixed batch size is the batch. */
function resolve(from: Shape, target: readonly (number | null)[], node: NodeContext): Shape {
  const { batch, fixedBatch } = node.trace;
  const keepsZero = node.attributes.int('allowzero', 0) !== 0;
  const isBatch = (n: number | null, i: number) => i === 0 && n === fixedBatch && from[0] === batch;
  const sizes = target.map((n, i) => {
    if (n === 0 && !keepsZero) return from[i] === undefined ? 0 : from[i]!;
    return isBatch(n, i) ? batch : n;
  });
  const known = (shape: Shape) =>
    shape.reduce<number>((product, n) => (n === null || n === -1 ? product : product * n), 1);
  const open = (shape: Shape) => shape.filter((n) => n === null).length;
  if (sizes.filter((n) => n === -1).length > 1 || sizes.some((n) => n !== null && n < -1)) {
    throw damaged(`it asks for the shape [${target}]`);
  }
  const missing = open(from) > open(sizes) && known(from) === known(sizes) ? null : known(from) / known(sizes);
  const result = sizes.map((n) => (n === -1 ? missing : n));
  const isSameSize = known(result) === known(from) && open(result) === open(from);
  if (isSameSize && result.every((n) => n === null || Number.isInteger(n))) return result;
  throw new BnError('shape', `${formatShape(from)} cannot become ${formatShape(target)}`);
}
