// Long sums of products in blocks, one after the other, so that what many results share stays in cache meanwhile: over groups
// of lanes, of which there are too many for a part per chunk, as of the filter gradient of a wide convolution; and over rows
// of a large matrix, of which each result would read a column.

import { Index, iterationsOf, type Loop } from '../ir/index-form.js';
import { type Access, elementAt, type Nest, productReads, type Statement, temporary, withLoops } from '../ir/nest.js';
import { isStreaming } from '../plan/steps.js';

/** Vectors of an operand for one result: in a block at least, and in a sum that is cut into blocks. */
const limits = { block: 64, sum: 256 };
/**
 * Rows and elements of each in a block; elements of a row from which on lines of neighbouring rows compete for places in cache,
 * and of a matrix.
 */
const matrix = { block: 64, part: 128, row: 1024, elements: 1_048_576 };

/** The outer loops with one over blocks among them, and what takes the place of a loop that has become two. */
type Blocked = (block: Loop) => { readonly outer: Loop[]; readonly split: ReadonlyMap<Loop, Index> };

/** Replaces each such nest by nests that add whole blocks, add the remainder, and pass the sum on. */
export function blockSums(nests: readonly Nest[]): Nest[] {
  return nests.flatMap((nest) => {
    const reads = nest.statements.length === 1 ? productReads(nest.statements[0]) : null;
    if (!reads) return [nest];
    const streamed = rowsOf(nest, reads);
    if (streamed) return inBlocks(nest, streamed.down, matrix.block, streamed.outer);
    const group = nest.inner.find(({ kind }) => kind === 'group');
    if (!group || reads.some(({ buffer }) => buffer.laneAxis === null)) return [nest];
    const perGroup = iterationsOf(nest.inner.filter(({ kind }) => kind === undefined));
    const size = Math.ceil(limits.block / perGroup);
    const depth = depthOf(nest, reads);
    if (perGroup * group.extent <= limits.sum || depth === null) return [nest];
    return inBlocks(nest, group, size, (block) => ({ outer: nest.outer.toSpliced(depth, 0, block), split: new Map() }));
  });
}

/** Of a sum down the columns of a large matrix, of which every group of lanes needs all: the loop over its rows. */
function rowsOf(nest: Nest, reads: readonly Access[]): { down: Loop; outer: Blocked } | null {
  const group = nest.outer.find(({ kind }) => kind === 'group');
  if (!group || !isStreaming(nest, group)) return null;
  const plain = [...nest.outer, ...nest.inner].filter(({ kind }) => kind === undefined);
  for (const { index, buffer } of reads) {
    const elements = iterationsOf(plain.filter((loop) => index.coefficient(loop) !== 0));
    if (buffer.laneAxis !== null || index.coefficient(group) !== 0 || elements < matrix.elements) continue;
    const down = nest.inner.find((loop) => index.coefficient(loop) >= matrix.row && loop.extent > limits.sum);
    const along = nest.outer.find((loop) => loop.kind === undefined && index.coefficient(loop) !== 0);
    if (!down || !along) continue;
    const most = Math.floor(matrix.part / index.coefficient(along));
    const size = Array.from({ length: Math.max(0, most) }, (_, i) => most - i).find((n) => along.extent % n === 0);
    if (size === undefined || size < 8) continue;
    // Threads share the parts of rows.
    const part: Loop = { name: `${along.name}o`, extent: along.extent / size };
    const within: Loop = { name: `${along.name}i`, extent: size };
    const split = new Map([[along, Index.of(part).times(size).plus(Index.of(within))]]);
    const halves = (block: Loop) => nest.outer.flatMap((loop) => (loop === along ? [part, block, within] : [loop]));
    return { down, outer: (block) => ({ outer: halves(block), split }) };
  }
  return null;
}

/**
 * Where among the outer loops that over blocks belongs: after those of both operands, and after the first, which threads
 * share. Null if no loop after it has an operand stay where it is.
 */
function depthOf({ outer }: Nest, reads: readonly Access[]): number | null {
  const shared = outer.findIndex((loop) => reads.some(({ index }) => index.coefficient(loop) === 0));
  return shared < 0 || outer.length < 2 ? null : Math.max(1, shared);
}

function inBlocks(nest: Nest, long: Loop, size: number, blocked: Blocked): Nest[] {
  const [statement] = nest.statements;
  const { lastLanes = 4, kind } = long;
  const blocks = Math.floor((lastLanes === 4 ? long.extent : long.extent - 1) / size);
  if (blocks < 2) return [nest];
  const rest = long.extent - blocks * size;
  const others = nest.inner.filter((loop) => loop !== long);
  // All four lanes are added to, of which the last group may have fewer.
  const isPadded = statement.target.buffer.laneAxis !== null || nest.outer.every(({ kind }) => kind !== 'lane');
  const isApart = statement.finish !== undefined || !isPadded;
  const target = isApart ? sumsOf(nest) : statement.target;
  const sum: Statement = { target, value: statement.value, reduction: 'sum', accumulates: true };
  const add = (of: Index, split?: ReadonlyMap<Loop, Index>) =>
    withLoops([sum], new Map([[long, of], ...(split ?? [])]));
  const block: Loop = { name: 'block', extent: blocks };
  const whole = kind && { kind, lastLanes: 4 };
  const within: Loop = { name: long.name, extent: size, ...whole };
  const after: Loop = { name: long.name, extent: rest, ...whole, ...(kind && { lastLanes }) };
  const { outer, split } = blocked(block);
  const nests: Nest[] = [
    {
      ...nest,
      name: `${nest.name} blocks`,
      outer,
      inner: [within, ...others],
      statements: add(Index.of(block).times(size).plus(Index.of(within)), split),
    },
  ];
  if (rest > 0) {
    const statements = add(Index.of(after).plus(blocks * size));
    nests.push({ ...nest, name: `${nest.name} rest`, inner: [after, ...others], statements });
  }
  if (isApart) {
    const read = { op: 'read', kind: 'f32', access: target } as const;
    nests.push({ ...nest, inner: [], statements: [{ ...statement, value: read }] });
  }
  return nests;
}

/** Memory for the sums alone. */
function sumsOf({ outer, statements }: Nest): Access {
  const shape = outer.map(({ extent }) => extent);
  const buffer = temporary(`${statements[0].target.buffer.name} sums`, shape);
  return { buffer, index: elementAt(buffer, outer.map(Index.of))!, guards: [] };
}
