// Nests over the same loops that read the same memory become one, so that it is read once.

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

/** Whether neither writes what the other reads or writes. */
function areIndependent(a: Nest, b: Nest): boolean {
  const written = (nest: Nest) => new Set(nest.statements.map(({ target }) => target.buffer));
  const touches = (nest: Nest, buffers: ReadonlySet<Buffer>) =>
    [...readsOf(nest).map(({ buffer }) => buffer), ...written(nest)].some((buffer) => buffers.has(buffer));
  return !touches(a, written(b)) && !touches(b, written(a));
}

function merge(a: Nest, b: Nest): Nest {
  const loops = [...a.outer, ...a.inner];
  const renamed = new Map([...b.outer, ...b.inner].map((loop, i) => [loop, Index.of(loops[i])]));
  return { ...a, name: `${a.name}, ${b.name}`, statements: [...a.statements, ...withLoops(b.statements, renamed)] };
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
