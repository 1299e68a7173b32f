// Nests over the same loops that read the same memory become one, so that it is read once.

import type { Origin } from '@bn/core';
import { Index } from '../ir/index-form.js';
import { type Access, type Buffer, type Nest, productReads, readsOf, withLoops } from '../ir/nest.js';

/** Statements in one nest: more would compete for registers. */
const mostStatements = 6;

/** A nest that may have become one of several, and what it touches. */
interface Merged {
  nest: Nest;
  readonly reads: Set<Buffer>;
  readonly writes: Set<Buffer>;
}

/** Merges nests that run one after the other. */
export function mergeNests(nests: readonly Nest[]): Nest[] {
  const merged: Merged[] = [];
  /** Places in `merged`. */
  const byLoops = new Map<string, number[]>();
  for (const nest of nests) {
    const own: Merged = {
      nest,
      reads: new Set(readsOf(nest).map(({ buffer }) => buffer)),
      writes: new Set(nest.statements.map(({ target }) => target.buffer)),
    };
    const loops = isMergeable(own) ? loopsOf(nest) : '';
    const alike = byLoops.get(loops) ?? [];
    const into = loops === '' ? undefined : alike.findLast((i) => areAlike(merged[i], own));
    if (into !== undefined && merged.slice(into).every((other) => areIndependent(other, own))) merge(merged[into], own);
    else {
      alike.push(merged.length);
      byLoops.set(loops, alike);
      merged.push(own);
    }
  }
  return merged.map(({ nest }) => nest);
}

/** Whether a nest reads something in lanes, and is no sum of products. */
function isMergeable({ nest, reads }: Merged): boolean {
  return (
    nest.statements.every((s) => !s.accumulates && !productReads(s)) &&
    [...reads].some(({ laneAxis }) => laneAxis !== null)
  );
}

/** Equal for nests over the same loops, of which both reduce or neither does. */
function loopsOf({ outer, inner, statements }: Nest): string {
  let text = statements[0].reduction === null ? 'elements' : 'reductions';
  for (const loops of [outer, inner]) {
    text += '|';
    for (const { extent, kind } of loops) text += `${extent}${kind ?? ''},`;
  }
  return text;
}

function areAlike(a: Merged, b: Merged): boolean {
  if (a.nest.statements.length + b.nest.statements.length > mostStatements) return false;
  for (const buffer of b.reads) if (buffer.laneAxis !== null && a.reads.has(buffer)) return true;
  return false;
}

/** Whether neither reads what the other writes, nor both write the same place. */
function areIndependent(a: Merged, b: Merged): boolean {
  if (meet(a.writes, b.reads) || meet(b.writes, a.reads)) return false;
  if (!meet(a.writes, b.writes)) return true;
  return b.nest.statements.every(({ target }) =>
    a.nest.statements.every(
      (other) => other.target.buffer !== target.buffer || areApart(a.nest, other.target, b.nest, target),
    ),
  );
}

function meet(few: ReadonlySet<Buffer>, others: ReadonlySet<Buffer>): boolean {
  for (const buffer of few) if (others.has(buffer)) return true;
  return false;
}

/** Whether two accesses of one buffer, whose nests have the same loops, never meet within a group. */
function areApart(a: Nest, { index }: Access, b: Nest, { index: other }: Access): boolean {
  const reaches: Reach[] = [];
  for (let i = 0; i < a.outer.length; i++) {
    const loop = a.outer[i];
    const coefficient = index.coefficient(loop);
    if (coefficient !== other.coefficient(b.outer[i])) return false;
    if (coefficient !== 0 && loop.kind !== 'group') reaches.push({ coefficient, bound: loop.extent - 1 });
  }
  reaches.sort((x, y) => y.coefficient - x.coefficient);
  return !canReach(other.constant - index.constant, reaches);
}

/** Σ coefficient · n for |n| ≤ bound */
interface Reach {
  readonly coefficient: number;
  readonly bound: number;
}

/** Whether `distance` is a sum of those from `from` on; coefficients descend. */
function canReach(distance: number, reaches: readonly Reach[], from = 0): boolean {
  if (from === reaches.length) return distance === 0;
  const { coefficient, bound } = reaches[from];
  let left = 0;
  for (let i = from + 1; i < reaches.length; i++) left += reaches[i].coefficient * reaches[i].bound;
  const low = Math.max(-bound, Math.ceil((distance - left) / coefficient));
  const high = Math.min(bound, Math.floor((distance + left) / coefficient));
  for (let n = low; n <= high; n++) if (canReach(distance - n * coefficient, reaches, from + 1)) return true;
  return false;
}

/** Makes `b` a part of `a`. */
function merge(a: Merged, b: Merged): void {
  const { nest } = a;
  const loops = [...nest.outer, ...nest.inner];
  const renamed = new Map([...b.nest.outer, ...b.nest.inner].map((loop, i) => [loop, Index.of(loops[i])]));
  const isIn = ({ layer, direction }: Origin) =>
    nest.origins.some((other) => other.layer === layer && other.direction === direction);
  a.nest = {
    ...nest,
    name: `${nest.name}, ${b.nest.name}`,
    origins: [...nest.origins, ...b.nest.origins.filter((origin) => !isIn(origin))],
    statements: [...nest.statements, ...withLoops(b.nest.statements, renamed)],
  };
  for (const buffer of b.reads) a.reads.add(buffer);
  for (const buffer of b.writes) a.writes.add(buffer);
}
