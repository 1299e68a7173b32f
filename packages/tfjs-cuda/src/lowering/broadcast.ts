// Broadcasting that runs fast. Axes are merged as far as possible, and a short innermost axis that one operand lacks
// neighbours of (the channels of an image) is made longer by repeating the small operand: kernels then walk long rows,
// which is four to twenty times as fast.

import { ops, sizeOf } from '@bn/core';
import type { PlainBinary, Ref } from '../program/kernels.js';
import type { ProgramBuilder } from '../program/program-builder.js';

/** Rows shorter than this are made as long as `rowLength` at least, in tensors large enough for that to pay. */
const shortRow = 64;
const rowLength = 128;
const longestRow = 16384;
const worthwhile = 16384;

/** Neighbouring axes that the same operands have. */
interface Group {
  readonly size: number;
  /** Per operand: whether it has these axes; else it is repeated along them. */
  readonly has: readonly boolean[];
}

/** kernel(a, b), broadcast as NumPy does. */
export function binary(builder: ProgramBuilder, kernel: PlainBinary, a: Ref, b: Ref, dtype = a.dtype): Ref {
  const shape = ops.broadcastShapes(kernel, [a, b]) as number[];
  const groups = groupsOf([a.shape, b.shape], shape);
  if (groups.length <= 1 && groups.every(({ has }) => has[0] && has[1])) {
    // Any shape will do: one that an operand has already.
    const source = builder.beforeReshape(a);
    const result = builder.call(kernel, [source, builder.reshape(b, source.shape)], {}, source.shape, dtype);
    return builder.reshape(result, shape);
  }
  const { operands, groups: rows } = withLongRows(builder, [a, b], groups);
  const sizes = rows.map(({ size }) => size);
  return builder.reshape(builder.call(kernel, operands, {}, sizes, dtype), shape);
}

/** x repeated to `shape`. */
export function broadcastTo(builder: ProgramBuilder, x: Ref, shape: readonly number[]): Ref {
  const groups = groupsOf([x.shape], shape);
  const small = builder.reshape(
    x,
    groups.map(({ size, has }) => (has[0] ? size : 1)),
  );
  const reps = groups.map(({ size, has }) => (has[0] ? 1 : size));
  if (reps.every((n) => n === 1)) return builder.reshape(x, shape);
  const large = builder.call(
    'Tile',
    [small],
    { reps },
    groups.map(({ size }) => size),
  );
  return builder.reshape(large, shape);
}

function groupsOf(shapes: readonly (readonly number[])[], target: readonly number[]): Group[] {
  return mergedAxes(target, (axis) => shapes.map((shape) => (shape[axis - target.length + shape.length] ?? 1) !== 1));
}

/** Neighbouring axes of the same kind, here what `has` says of them, taken as one; sizes of 1 are left out. */
export function mergedAxes(shape: readonly number[], has: (axis: number) => readonly boolean[]): Group[] {
  const groups: Group[] = [];
  shape.forEach((size, axis) => {
    if (size === 1) return;
    const own = has(axis);
    const last = groups.at(-1);
    if (last && String(last.has) === String(own)) groups[groups.length - 1] = { has: own, size: last.size * size };
    else groups.push({ has: own, size });
  });
  return groups;
}

function withLongRows(builder: ProgramBuilder, operands: readonly [Ref, Ref], groups: readonly Group[]) {
  const [outer, row] = groups.slice(-2);
  const repeats = groups.length > 1 && row.has.every(Boolean) ? repeatsFor(outer.size, row.size) : 1;
  const long =
    repeats === 1
      ? groups
      : [
          ...groups.slice(0, -2),
          { has: outer.has, size: outer.size / repeats },
          { has: row.has, size: row.size * repeats },
        ].filter(({ size }) => size > 1);
  const shaped = operands.map((x, i) => {
    const whole = repeats === 1 || outer.has[i] ? x : repeatRows(builder, x, row.size, repeats);
    const shape = long.map(({ size, has }) => (has[i] ? size : 1));
    // A lower rank instead of leading ones: the JavaScript engine's fast path.
    while (shape[0] === 1) shape.shift();
    return builder.reshape(whole, shape);
  });
  return { operands: shaped as [Ref, Ref], groups: long };
}

/** How many of `outer` short rows of `size` elements are to be taken as one; a divisor of `outer`. */
export function repeatsFor(outer: number, size: number): number {
  if (size >= shortRow || outer * size < worthwhile) return 1;
  for (let n = 2; n * size <= longestRow; n++) if (outer % n === 0 && n * size >= rowLength) return n;
  return 1;
}

function repeatRows(builder: ProgramBuilder, x: Ref, size: number, repeats: number): Ref {
  const rows = sizeOf(x.shape) / size;
  if (rows === 1) return builder.call('Tile', [builder.reshape(x, [size])], { reps: [repeats] }, [size * repeats]);
  return builder.call('Tile', [builder.reshape(x, [rows, size])], { reps: [1, repeats] }, [rows, size * repeats]);
}
