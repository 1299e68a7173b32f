// Nests over the same loops that read the same memory become one, so that it is read once.

import type { Origin } from '@bn/core';
import { Index, type Loop } from '../ir/index-form.js';
import { type Access, type Buffer, type Expression, type Nest, readsOf, type Statement } from '../ir/nest.js';
import { productReads } from '../ir/product-reads.js';

/** Statements in one nest: more would compete for registers. */
const mostStatements = 6;

/** Merges nests that run one after the other. */
export function mergeNests(nests: readonly Nest[]): Nest[] {
  const merged: Nest[] = [];
  for (const nest of nests) {
    const into = merged.findLastIndex((other) => areAlike(other, nest));
    const between = merged.slice(into);
    if (into >= 0 && between.every((other) => areIndependent(other, nest))) merged[into] = merge(merged[into], nest);
    else merged.push(nest);
  }
  return merged;
}

function areAlike(a: Nest, b: Nest): boolean {
  const loopsOf = (loops: readonly Loop[]) => loops.map(({ extent, kind }) => `${extent}${kind}`).join();
  const isPlain = ({ statements }: Nest) => statements.every((s) => !s.accumulates && !productReads(s));
  const reduces = ({ statements }: Nest) => statements[0].reduction !== null;
  const buffers = new Set(readsOf(a).map(({ buffer }) => buffer));
  return (
    loopsOf(a.outer) === loopsOf(b.outer) &&
    loopsOf(a.inner) === loopsOf(b.inner) &&
    reduces(a) === reduces(b) &&
    a.statements.length + b.statements.length <= mostStatements &&
    isPlain(a) &&
    isPlain(b) &&
    readsOf(b).some(({ buffer }) => buffers.has(buffer) && buffer.laneAxis !== null)
  );
}

/** Whether neither reads what the other writes, nor both write the same place. */
function areIndependent(a: Nest, b: Nest): boolean {
  const writes = (nest: Nest, buffer: Buffer) => nest.statements.some(({ target }) => target.buffer === buffer);
  const reads = (nest: Nest, from: Nest) => readsOf(nest).some(({ buffer }) => writes(from, buffer));
  if (reads(a, b) || reads(b, a)) return false;
  return b.statements.every(({ target }) =>
    a.statements.every((other) => other.target.buffer !== target.buffer || areApart(a, other.target, b, target)),
  );
}

/** Whether two accesses of one buffer, whose nests have the same loops, never meet within a group. */
function areApart(a: Nest, { index }: Access, b: Nest, { index: other }: Access): boolean {
  const loops = a.outer.map((loop, i) => [loop, b.outer[i]] as const).filter(([{ kind }]) => kind !== 'group');
  const alike = a.outer.every((loop, i) => index.coefficient(loop) === other.coefficient(b.outer[i]));
  const terms = loops.flatMap(([loop]) => {
    const coefficient = index.coefficient(loop);
    return coefficient === 0 ? [] : [[coefficient, loop.extent - 1] as const];
  });
  return (
    alike &&
    !canReach(
      other.constant - index.constant,
      [...terms].sort((x, y) => y[0] - x[0]),
    )
  );
}

/** Whether `distance` is Σ coefficient · n for some |n| ≤ bound of each term; coefficients descend. */
function canReach(distance: number, [first, ...rest]: readonly (readonly [number, number])[]): boolean {
  if (!first) return distance === 0;
  const [coefficient, bound] = first;
  const left = rest.reduce((sum, [c, n]) => sum + c * n, 0);
  const low = Math.max(-bound, Math.ceil((distance - left) / coefficient));
  const high = Math.min(bound, Math.floor((distance + left) / coefficient));
  for (let n = low; n <= high; n++) if (canReach(distance - n * coefficient, rest)) return true;
  return false;
}

function merge(a: Nest, b: Nest): Nest {
  const loops = [...a.outer, ...a.inner];
  const renamed = new Map([...b.outer, ...b.inner].map((loop, i) => [loop, Index.of(loops[i])]));
  const isIn = ({ layer, direction }: Origin) =>
    a.origins.some((other) => other.layer === layer && other.direction === direction);
  return {
    ...a,
    name: `${a.name}, ${b.name}`,
    origins: [...a.origins, ...b.origins.filter((origin) => !isIn(origin))],
    statements: [...a.statements, ...withLoops(b.statements, renamed)],
  };
}

function withLoops(statements: readonly Statement[], renamed: ReadonlyMap<Loop, Index>): Statement[] {
  const made = new Map<Expression, Expression>();
  const accessOf = ({ buffer, index, guards }: Access): Access => ({
    buffer,
    index: index.substitute(renamed),
    guards: guards.map((guard) => ({ ...guard, index: guard.index.substitute(renamed) })),
  });
  // Shared expressions stay shared.
  const expressionOf = (expression: Expression): Expression => {
    const known = made.get(expression) ?? rename(expression);
    made.set(expression, known);
    return known;
  };
  const rename = (expression: Expression): Expression => {
    if (expression.op === 'read') return { ...expression, access: accessOf(expression.access) };
    if (expression.op === 'gather') {
      return { ...expression, access: accessOf(expression.access), at: expressionOf(expression.at) };
    }
    if (expression.op === 'index') return { ...expression, index: expression.index.substitute(renamed) };
    return 'operands' in expression ? { ...expression, operands: expression.operands.map(expressionOf) } : expression;
  };
  return statements.map(({ target, value, position, finish, ...rest }) => ({
    ...rest,
    target: accessOf(target),
    value: expressionOf(value),
    ...(position && { position: position.substitute(renamed) }),
    ...(finish && { finish: expressionOf(finish) }),
  }));
}
