// The order of execution. Nests over groups of lanes run group by group, all of them for one group before the next, so
// that what they hand on stays in cache; that ends where something needs all groups. Between steps all threads meet.

import type { Loop } from '../ir/index-form.js';
import { type Buffer, elementsOf, type Nest, printNest, readsOf } from '../ir/nest.js';
import { productReads } from '../ir/product-reads.js';

export type Domain =
  /** Group by group, groups in parallel. */
  | 'groups'
  /** One thread, one nest after the other. */
  | 'serial'
  /** Nests whose first loop is cut into ranges, in parallel. */
  | 'ranges';

export interface Step {
  readonly domain: Domain;
  readonly nests: readonly Nest[];
}

/** Innermost iterations below which waking other threads costs more than it brings. */
const smallWork = 65_536;

/** Elements beyond a first-level cache, and how often a group uses each, that make a product wait for memory. */
const streamed = { elements: 32_768, uses: 4 };

const order: readonly Domain[] = ['groups', 'serial', 'ranges'];

export function planSteps(nests: readonly Nest[]): Step[] {
  const slots = new Map<Nest, number>();
  const writers = new Map<Buffer, Nest[]>();
  for (const nest of nests) {
    const rank = order.indexOf(domainOf(nest));
    let slot = rank;
    for (const { buffer } of [...readsOf(nest), ...nest.statements.map(({ target }) => target)]) {
      for (const writer of writers.get(buffer) ?? []) {
        const together = domainOf(writer) === domainOf(nest) && follows(domainOf(nest), buffer);
        const earliest = slots.get(writer)! + (together ? 0 : 1);
        // The first slot of this nest's domain that is not before `earliest`.
        slot = Math.max(slot, earliest + ((rank - (earliest % 3) + 3) % 3));
      }
    }
    slots.set(nest, slot);
    for (const { target } of nest.statements) {
      writers.set(target.buffer, [...(writers.get(target.buffer) ?? []), nest]);
    }
  }
  // What needs nothing, such as zeros around something, waits for those who need it, so that it is in cache then.
  const needsNothing = (nest: Nest) =>
    domainOf(nest) === 'groups' &&
    nest.statements.every(({ target }) => target.buffer.laneAxis !== null) &&
    !readsOf(nest).some(({ buffer }) => writers.has(buffer));
  const waiting = new Set(nests.filter(needsNothing));
  for (const nest of waiting) {
    const buffers = new Set(nest.statements.map(({ target }) => target.buffer));
    const users = nests.filter((other) => !waiting.has(other) && touches(other, buffers));
    const first = Math.min(...users.map((other) => slots.get(other)!));
    if (users.length > 0 && order[first % 3] === 'groups') slots.set(nest, first);
  }
  const used = [...new Set(slots.values())].sort((a, b) => a - b);
  return used.map((slot) => ({ domain: order[slot % 3], nests: nests.filter((nest) => slots.get(nest) === slot) }));
}

function touches(nest: Nest, buffers: ReadonlySet<Buffer>): boolean {
  const touched = [...readsOf(nest), ...nest.statements.map(({ target }) => target)];
  return touched.some(({ buffer }) => buffers.has(buffer));
}

/** Whether a nest may run in the same step as the one that writes what it needs. */
function follows(domain: Domain, buffer: Buffer): boolean {
  return domain === 'serial' || (domain === 'groups' && buffer.laneAxis !== null);
}

function domainOf(nest: Nest): Domain {
  const group = nest.outer.find(({ kind }) => kind === 'group');
  if (group) return isStreaming(nest, group) ? 'ranges' : 'groups';
  const splits = nest.outer.some(({ extent }) => extent > 1) && isCuttable(nest);
  return splits && workOf(nest) > smallWork ? 'ranges' : 'serial';
}

/** Whether no two iterations of the first loop add to the same place: it runs along the target's outermost axis. */
function isCuttable({ outer: [first], statements }: Nest): boolean {
  return statements.every(({ target: { buffer, index, guards }, reduction, accumulates }) => {
    const isOutermost = index.coefficient(first) * first.extent === elementsOf(buffer);
    return !accumulates || reduction || (isOutermost && guards.every((guard) => guard.index.coefficient(first) === 0));
  });
}

/**
 * Whether every group would read much that is the same for all, and each element of it a few times only, as in products
 * with large matrices: several groups side by side in registers then share what they read.
 */
function isStreaming({ outer, inner, statements }: Nest, group: Loop): boolean {
  const reads = statements.length === 1 ? productReads(statements[0]) : null;
  const same = reads?.filter(({ index }) => index.coefficient(group) === 0) ?? [];
  const product = (loops: readonly Loop[]) => loops.reduce((n, { extent }) => n * extent, 1);
  const own = [...outer, ...inner].filter(({ kind }) => kind === undefined);
  return same.some(({ index }) => {
    const elements = product(own.filter((loop) => index.coefficient(loop) !== 0));
    return elements > streamed.elements && product(own) <= streamed.uses * elements;
  });
}

/** Innermost iterations of a nest. */
export function workOf({ outer, inner, statements }: Nest): number {
  const product = (loops: readonly Loop[]) => loops.reduce((n, { extent }) => n * extent, 1);
  return product(outer) * product(inner) * statements.length;
}

/** The steps as text. */
export function printSteps(steps: readonly Step[]): string {
  return steps.map(({ domain, nests }, i) => `step ${i} ${domain}\n${nests.map(printNest).join('')}`).join('');
}
