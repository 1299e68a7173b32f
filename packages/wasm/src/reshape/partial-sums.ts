// Sums of products over the axis in lanes and others, as of a convolution's filter gradient: each chunk of groups adds
// up its own part, next to what makes the operands, and the parts are added in the order of the chunks.

import { Index, iterationsOf, type Loop } from '../ir/index-form.js';
import { type Access, type Nest, productReads, temporary } from '../ir/nest.js';

/** Chunks that groups are handed out in; from shapes alone, so that results do not depend on the number of threads. */
const mostChunks = 16;
/** Results of which each chunk can have its own, and products per result and group that make that worth while. */
const limits = { results: 16_384, products: 8 };

export function groupsPerChunk(groups: number): number {
  return Math.ceil(groups / mostChunks);
}

/** Replaces such nests by two: one that runs group by group, and one that adds up. */
export function splitIntoPartialSums(nests: readonly Nest[]): Nest[] {
  return nests.flatMap((nest) => {
    const group = nest.inner.find(({ kind }) => kind === 'group');
    const lane = nest.inner.find(({ kind }) => kind === 'lane');
    const reads = nest.statements.length === 1 ? productReads(nest.statements[0]) : null;
    if (!group || !lane || !reads || reads.some(({ buffer }) => buffer.laneAxis === null)) return [nest];
    const rest = nest.inner.filter((loop) => loop !== group && loop !== lane);
    const size = iterationsOf(nest.outer);
    const products = iterationsOf(rest);
    return size > limits.results || products < limits.products ? [nest] : split(nest, group, lane, rest, size);
  });
}

function split(nest: Nest, group: Loop, lane: Loop, rest: readonly Loop[], size: number): Nest[] {
  const [statement] = nest.statements;
  const perChunk = groupsPerChunk(group.extent);
  const chunks = Math.ceil(group.extent / perChunk);
  // Chunks are found by their first group: what lies between them is a multiple of their length.
  const perGroup = Math.ceil(size / perChunk) * 4;
  const parts = temporary(`${statement.target.buffer.name} parts`, [chunks * perChunk * perGroup]);
  let [within, stride] = [Index.of(lane), 4];
  for (const loop of [...nest.outer].reverse()) {
    within = within.plus(Index.of(loop).times(stride));
    stride *= loop.extent;
  }
  const at = (index: Index): Access => ({ buffer: parts, index: index.plus(within), guards: [] });
  const firstGroup: Loop = { name: 'c', extent: group.extent, kind: 'chunk' };
  const chunk: Loop = { name: 'c', extent: chunks };
  const { value, reduction } = statement;
  const part = { target: at(Index.of(firstGroup).times(perGroup)), value, reduction, accumulates: true };
  const read = { op: 'read', kind: 'f32', access: at(Index.of(chunk).times(perGroup * perChunk)) } as const;
  return [
    { ...nest, name: `${nest.name} parts`, outer: [group, ...nest.outer, lane], inner: rest, statements: [part] },
    { ...nest, inner: [chunk, lane], statements: [{ ...statement, value: read }] },
  ];
}
