// Long sums of products over groups of lanes, of which there are too many for a part per chunk, as of the filter gradient
// of a wide convolution. They are done in blocks of groups, one after the other: what all results of a row of tiles
// share stays in the first-level cache meanwhile.

import { Index, iterationsOf, type Loop } from '../ir/index-form.js';
import { type Access, elementAt, type Nest, productReads, type Statement, temporary, withLoops } from '../ir/nest.js';

/** Vectors of an operand for one result: in a block at least, and in a sum that is cut into blocks. */
const limits = { block: 64, sum: 256 };

/** Replaces each such nest by nests that add whole blocks, add the remainder, and pass the sum on. */
export function blockSums(nests: readonly Nest[]): Nest[] {
  return nests.flatMap((nest) => {
    const group = nest.inner.find(({ kind }) => kind === 'group');
    const reads = nest.statements.length === 1 ? productReads(nest.statements[0]) : null;
    if (!group || !reads || reads.some(({ buffer }) => buffer.laneAxis === null)) return [nest];
    const perGroup = iterationsOf(nest.inner.filter(({ kind }) => kind === undefined));
    const size = Math.ceil(limits.block / perGroup);
    const depth = depthOf(nest, reads);
    return perGroup * group.extent <= limits.sum || depth === null ? [nest] : inBlocks(nest, group, size, depth);
  });
}

/**
 * Where among the outer loops that over blocks belongs: after those of both operands, and after the first, which threads
 * share. Null if no loop after it has an operand stay where it is.
 */
function depthOf({ outer }: Nest, reads: readonly Access[]): number | null {
  const shared = outer.findIndex((loop) => reads.some(({ index }) => index.coefficient(loop) === 0));
  return shared < 0 || outer.length < 2 ? null : Math.max(1, shared);
}

function inBlocks(nest: Nest, group: Loop, size: number, depth: number): Nest[] {
  const [statement] = nest.statements;
  const { lastLanes = 4 } = group;
  const blocks = Math.floor((lastLanes === 4 ? group.extent : group.extent - 1) / size);
  if (blocks < 2) return [nest];
  const rest = group.extent - blocks * size;
  const others = nest.inner.filter((loop) => loop !== group);
  const target = statement.finish ? sumsOf(nest) : statement.target;
  const sum: Statement = { target, value: statement.value, reduction: 'sum', accumulates: true };
  const add = (of: Index) => withLoops([sum], new Map([[group, of]]));
  const block: Loop = { name: 'block', extent: blocks };
  const within: Loop = { name: 'g', extent: size, kind: 'group', lastLanes: 4 };
  const after: Loop = { name: 'g', extent: rest, kind: 'group', lastLanes };
  const nests: Nest[] = [
    {
      ...nest,
      name: `${nest.name} blocks`,
      outer: nest.outer.toSpliced(depth, 0, block),
      inner: [within, ...others],
      statements: add(Index.of(block).times(size).plus(Index.of(within))),
    },
  ];
  if (rest > 0) {
    const statements = add(Index.of(after).plus(blocks * size));
    nests.push({ ...nest, name: `${nest.name} rest`, inner: [after, ...others], statements });
  }
  if (statement.finish) {
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
