// Operators that cut, repeat and rearrange: their results are parts of their inputs, or constants.

import { constant, type Dimension, formatShape, ops, type Shape, sizeOf, type Tensor } from '@bn/core';
import { damaged } from '../damaged.js';
import type { NodeContext } from '../node-context.js';
import { readTensor } from '../read-tensor.js';
import type { ImportRules } from '../rules.js';
import { integers, isConstant } from '../value.js';

export const layout: ImportRules = {
  Split: (node) => {
    const x = node.value(0);
    const axis = node.axis(node.attributes.int('axis', 0), x.shape);
    const size = x.shape[axis];
    if (size == null) throw node.unsupported('a part of the batch');
    const sizes = node.attributes.ints('split') ?? (node.has(1) ? node.integers(1) : equalParts(size, node));
    if (sizes.some((n) => n < 0) || sizes.reduce((a, b) => a + b, 0) !== size) {
      throw damaged(`it splits ${size} into [${sizes}]`);
    }
    let from = 0;
    return sizes.map((n) => {
      const start = from;
      from += n;
      if (isConstant(x) && x.dtype === 'int32' && x.shape.length === 1) {
        return integers((x.data as readonly (number | null)[]).slice(start, from));
      }
      // Nothing, which a Concat leaves out.
      if (n === 0) return { dtype: x.dtype, shape: x.shape.with(axis, 0) as readonly number[], data: [] };
      const cut = (whole: readonly Dimension[], at: number) => whole.map((n, i) => (i === axis ? at : n));
      const zeros = x.shape.map(() => 0);
      return ops.slice(node.tensor(0), cut(zeros, start) as number[], cut(x.shape, from));
    });
  },
  ScatterND: (node) => {
    const [x, updates] = [node.tensor(0), node.tensor(2)];
    const { rows, inner, indexed } = places(node, x.shape);
    const reduction = node.attributes.string('reduction', 'none');
    if (!Object.hasOwn(reductions, reduction)) throw node.unsupported(`the reduction ${reduction}`);
    const count = sizeOf(indexed);
    /** By row of x, the updates of it; in turn, as a row may have several. */
    const turns: Int32Array[] = [];
    const next = new Int32Array(count);
    for (const [i, row] of rows.entries()) {
      const turn = reduction === 'none' ? 0 : next[row]!++;
      turns[turn] ??= new Int32Array(count).fill(-1);
      turns[turn][row] = i;
    }
    if (turns.length > 64) throw node.unsupported(`${turns.length} updates of one place`);
    const parts = ops.reshape(updates, [rows.length, inner]);
    const result = turns.reduce(
      (y, turn) => {
        const from = turn.map((i) => Math.max(i, 0));
        const isUpdated = Array.from(turn, (i) => (i < 0 ? 0 : 1));
        const part = ops.gather(parts, constant(from, [count], 'int32'), 0);
        return ops.where(constant(isUpdated, [count, 1], 'bool'), reductions[reduction]!(y, part), y);
      },
      ops.reshape(x, [count, inner]),
    );
    return ops.reshape(result, x.shape);
  },
  GatherND: (node) => {
    const x = node.tensor(0);
    const { rows, inner, indexed } = places(node, x.shape, node.attributes.int('batch_dims', 0));
    const picked = ops.gather(ops.reshape(x, [sizeOf(indexed), inner]), constant(rows, [rows.length], 'int32'), 0);
    return ops.reshape(picked, [...node.constant(1).shape.slice(0, -1), ...x.shape.slice(indexed.length)]);
  },
  Tile: (node) => {
    const x = node.tensor(0);
    const repeats = node.integers(1);
    if (repeats.length !== x.shape.length || repeats.some((n) => n < 1 || n > 2 ** 16)) {
      throw node.unsupported(`repeats [${repeats}]`);
    }
    return repeats.reduce((y, n, axis) => (n === 1 ? y : ops.concat(new Array<Tensor>(n).fill(y), axis)), x);
  },
  ConstantOfShape: (node) => {
    const shape = node.sizes(0).map((n) => (n === null ? node.trace.batch : n));
    const given = node.attributes.tensor('value');
    const { dtype, data } = given ? readTensor(given, 'its value') : { dtype: 'float32' as const, data: [0] };
    const value = data[0] ?? 0;
    if (!shape.includes(null) && dtype !== 'float32' && sizeOf(shape as number[]) <= 2 ** 16) {
      return integers(new Array<number>(sizeOf(shape as number[])).fill(value), shape as number[]);
    }
    return ops.broadcastTo(
      constant(
        [value],
        shape.map(() => 1),
        dtype,
      ),
      shape,
    );
  },
  DepthToSpace: (node) => {
    const [x, block, [batch, channels, height, width]] = blocks(node);
    const deep = channels / block ** 2;
    const isColumnFirst = node.attributes.string('mode', 'DCR') === 'CRD';
    const parts = isColumnFirst ? [deep, block, block] : [block, block, deep];
    const order = isColumnFirst ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2];
    const split = ops.transpose(ops.reshape(x, [batch, ...parts, height, width]), order);
    return ops.reshape(split, [batch, deep, height * block, width * block]);
  },
  SpaceToDepth: (node) => {
    const [x, block, [batch, channels, height, width]] = blocks(node);
    const split = ops.reshape(x, [batch, channels, height / block, block, width / block, block]);
    const isColumnFirst = node.attributes.string('mode', 'DCR') === 'CRD';
    const moved = ops.transpose(split, isColumnFirst ? [0, 1, 3, 5, 2, 4] : [0, 3, 5, 1, 2, 4]);
    return ops.reshape(moved, [batch, channels * block ** 2, height / block, width / block]);
  },
  Pad: (node) => {
    const x = node.tensor(0);
    const mode = node.attributes.string('mode', 'constant');
    const pads = node.attributes.ints('pads') ?? node.integers(1);
    const axes = node.has(3) ? node.integers(3).map((axis) => node.axis(axis, x.shape)) : [...x.shape.keys()];
    if (pads.length !== 2 * axes.length || pads.some((n) => n < 0)) throw node.unsupported(`pads [${pads}]`);
    const amounts = (offset: number) => x.shape.map((_, i) => (axes.includes(i) ? pads[axes.indexOf(i) + offset]! : 0));
    const [before, after] = [amounts(0), amounts(axes.length)];
    if (mode === 'constant') {
      const value = node.has(2) ? node.number(2) : node.attributes.float('value', 0);
      return ops.pad(x, before, after, value);
    }
    return before.reduce((y, front, axis) => repeated(y, axis, [front, after[axis]!], mode, node), x);
  },
};

const reductions: Readonly<Record<string, (x: Tensor, update: Tensor) => Tensor>> = {
  none: (_, update) => update,
  add: ops.add,
  mul: ops.mul,
  max: ops.maximum,
  min: ops.minimum,
};

/** The rows of x that indices name which are known, after the axes they share: x as [rows, inner], its first axes being indexed. */
function places(
  node: NodeContext,
  shape: Shape,
  shared = 0,
): { rows: number[]; inner: number; indexed: readonly number[] } {
  const given = node.constant(1).shape;
  const depth = given.at(-1) ?? 0;
  const end = shared + depth;
  if (!(shared >= 0 && depth >= 1 && end <= shape.length)) throw damaged(`its indices are of ${end} axes`);
  if (shape.some((n) => n === null)) throw node.unsupported('indices beside the batch');
  const [sizes, flat] = [shape as readonly number[], node.integers(1)];
  const outer = sizes.slice(0, shared);
  if (shared >= given.length || outer.some((n, i) => n !== given[i])) {
    throw damaged(`its indices ${formatShape(given)} do not share ${shared} axes with ${formatShape(shape)}`);
  }
  const perOuter = flat.length / depth / sizeOf(outer);
  const rows = Array.from({ length: flat.length / depth }, (_, row) =>
    sizes.slice(shared, end).reduce(
      (sum, n, k) => {
        const index = flat[row * depth + k]!;
        const i = index < 0 ? index + n : index;
        if (!(i >= 0 && i < n)) throw damaged(`its index ${index} is not within ${n}`);
        return sum * n + i;
      },
      Math.floor(row / perOuter),
    ),
  );
  return { rows, inner: sizeOf(sizes.slice(end)), indexed: sizes.slice(0, end) };
}

function equalParts(size: number, { attributes, node }: NodeContext): readonly number[] {
  const count = attributes.int('num_outputs', node.outputs.length);
  const most = Math.ceil(size / count);
  return Array.from({ length: count }, (_, i) => Math.min(most, size - i * most));
}

/** x with its own elements before and after it along an axis. */
function repeated(x: Tensor, axis: number, pads: readonly [number, number], mode: string, node: NodeContext): Tensor {
  const [front, back] = pads;
  if (front + back === 0) return x;
  const size = x.shape[axis];
  if (size == null) throw node.unsupported('it pads the batch');
  const from: Readonly<Record<string, (i: number) => number>> = {
    edge: (i) => Math.min(Math.max(i, 0), size - 1),
    reflect: (i) => (i < 0 ? -i : i >= size ? 2 * (size - 1) - i : i),
    wrap: (i) => ((i % size) + size) % size,
  };
  const pick = Object.hasOwn(from, mode) ? from[mode]! : undefined;
  if (!pick) throw node.unsupported(`the mode ${mode}`);
  if (mode === 'reflect' && Math.max(front, back) >= size) throw node.unsupported('a reflection longer than the image');
  const indices = Array.from({ length: front + size + back }, (_, i) => pick(i - front));
  return ops.gather(x, constant(indices, [indices.length], 'int32'), axis);
}

/** An image and the block size. */
function blocks(node: NodeContext): [Tensor, number, [number | null, number, number, number]] {
  const x = node.tensor(0);
  const block = node.attributes.int('blocksize', 0);
  if (x.shape.length === 4 && block >= 1) return [x, block, x.shape as [number | null, number, number, number]];
  throw damaged(`its blocksize is ${block}`);
}
