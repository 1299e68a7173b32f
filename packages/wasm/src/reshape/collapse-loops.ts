// Loops that lie in each other and move alike through all memory become one: fewer ends of loops, more iterations to choose
// tiles from, and vectors that are full where the innermost loop alone is shorter than one.

import { Index, type Loop } from '../ir/index-form.js';
import { type Expression, expressionsIn, type Nest, productReads, withLoops } from '../ir/nest.js';

/** The nest with all such loops collapsed. */
export function collapseLoops(nests: readonly Nest[]): Nest[] {
  return nests.map((nest) => {
    // What is added to memory in a row is cut into ranges by its first loop, which cannot be in lanes.
    if (nest.statements.some(({ reduction, accumulates }) => accumulates && !reduction)) return nest;
    const indices = indicesOf(nest);
    const replaced = new Map<Loop, Index>();
    const outer = collapsed(nest.outer, indices, replaced);
    // Those of a sum of products are written out in part, which short loops allow more often.
    const inner = nest.statements.some(productReads) ? nest.inner : collapsed(nest.inner, indices, replaced);
    return replaced.size === 0 ? nest : { ...nest, outer, inner, statements: withLoops(nest.statements, replaced) };
  });
}

/** The loops with neighbours collapsed, and in `replaced` what takes the place of those. */
function collapsed(loops: readonly Loop[], indices: readonly Index[], replaced: Map<Loop, Index>): Loop[] {
  const made: Loop[] = [];
  for (let from = 0; from < loops.length; ) {
    let end = from + 1;
    while (end < loops.length && areOne(loops[end - 1], loops[end], indices)) end++;
    const own = loops.slice(from, end);
    const last = own[own.length - 1];
    const extent = own.reduce((product, loop) => product * loop.extent, 1);
    const one = own.length === 1 ? last : { name: own.map(({ name }) => name).join(''), extent };
    made.push(one);
    // c·n·a + c·b over a and b < n is c·i over i = n·a + b.
    if (one !== last) for (const loop of own) replaced.set(loop, loop === last ? Index.of(one) : new Index(0));
    from = end;
  }
  return made;
}

function areOne(outer: Loop, inner: Loop, indices: readonly Index[]): boolean {
  if (outer.kind !== undefined || inner.kind !== undefined) return false;
  return indices.every((index) => index.coefficient(outer) === inner.extent * index.coefficient(inner));
}

/** All that depends on loops. */
function indicesOf({ statements }: Nest): Index[] {
  const indices: Index[] = [];
  const seen = new Set<Expression>();
  for (const { target, value, finish, position } of statements) {
    if (position) indices.push(position);
    const expressions = [value, ...(finish ? [finish] : [])].flatMap((root) => expressionsIn(root, seen));
    const accesses = [target, ...expressions.flatMap((node) => ('access' in node ? [node.access] : []))];
    for (const { index, guards } of accesses) indices.push(index, ...guards.map((guard) => guard.index));
    for (const node of expressions) if (node.op === 'index') indices.push(node.index);
  }
  return indices;
}
