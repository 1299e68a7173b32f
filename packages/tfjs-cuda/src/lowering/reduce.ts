// Sums that run fast: axes are merged as far as possible, and sums over many short rows are taken in two steps, first
// over few long rows.

import type { EngineName } from '../engine.js';
import type { Ref } from '../program/kernels.js';
import type { ProgramBuilder } from '../program/program-builder.js';
import { binary, mergedAxes, repeatsFor } from './broadcast.js';

/** The sum of x over `axes`, which the result lacks. */
export function sum(builder: ProgramBuilder, engine: EngineName, x: Ref, axes: readonly number[]): Ref {
  const kept = x.shape.filter((_, axis) => !axes.includes(axis));
  const merged = mergedAxes(x.shape, (axis) => [axes.includes(axis)]);
  const groups = merged.map(({ size, has: [reduced] }) => ({ size, reduced }));
  return builder.reshape(sumGroups(builder, engine, x, groups), kept);
}

/** Neighbouring axes that are all reduced, or none of them. */
interface Group {
  readonly size: number;
  readonly reduced: boolean;
}

function sumGroups(builder: ProgramBuilder, engine: EngineName, x: Ref, groups: readonly Group[]): Ref {
  const [first, second] = groups;
  const sizes = groups.map(({ size }) => size);
  if (!groups.some(({ reduced }) => reduced)) return x;
  if (groups.length === 2 && first.reduced && x.dtype === 'float32') {
    const rows = repeatsFor(first.size, second.size);
    if (rows === 1) return sumRows(builder, engine, x, first.size, second.size);
    const sums = sumRows(builder, engine, x, first.size / rows, rows * second.size);
    return sumRows(builder, engine, sums, rows, second.size);
  }
  const axis = groups.flatMap(({ reduced }, i) => (reduced ? [i] : []));
  const kept = groups.filter(({ reduced }) => !reduced).map(({ size }) => size);
  return builder.call('Sum', [builder.reshape(x, sizes)], { axis, keepDims: false }, kept);
}

/** The sum of `count` rows of float32. */
function sumRows(builder: ProgramBuilder, engine: EngineName, x: Ref, count: number, size: number): Ref {
  if (engine === 'native') {
    return builder.call('Sum', [builder.reshape(x, [count, size])], { axis: [0], keepDims: false }, [size]);
  }
  // The kernel Sum of the other engines transposes what is not innermost.
  if (engine === 'js') {
    const ones = builder.constant(new Float32Array(count).fill(1), [1, 1, count], 'float32');
    const attributes = { transposeA: false, transposeB: false };
    return builder.call('BatchMatMul', [ones, builder.reshape(x, [1, count, size])], attributes, [1, 1, size]);
  }
  const pooling = { filterSize: [count, 1], strides: [1, 1], pad: 'valid' } as const;
  const means = builder.call('AvgPool', [builder.reshape(x, [1, count, 1, size])], pooling, [1, 1, 1, size]);
  return binary(builder, 'Multiply', means, builder.scalar(count));
}
