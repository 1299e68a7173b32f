// The order of execution. Nests over groups of lanes run group by group, all of them for one group before the next, so
// that what they hand on stays in cache; that ends where something needs all groups. A step begins when all before it are done.

import { iterationsOf, type Loop } from '../ir/index-form.js';
import { type Buffer, buffersOf, elementsOf, type Nest, printNest, productReads, readsOf } from '../ir/nest.js';

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
const streamed = { elements: 16_384, uses: 4 };

const order: readonly Domain[] = ['groups', 'serial', 'ranges'];

/** A nest, what it touches, and its slot: three to a depth, one for each domain. */
interface Planned {
  readonly nest: Nest;
  readonly domain: Domain;
  readonly buffers: ReadonlySet<Buffer>;
  slot: number;
}

export function planSteps(nests: readonly Nest[]): Step[] {
  const writers = new Map<Buffer, Planned[]>();
  const planned = nests.map((nest) => {
    const one: Planned = { nest, domain: domainOf(nest), buffers: buffersOf(nest), slot: 0 };
    one.slot = firstSlot(one, writers);
    for (const { target } of nest.statements) append(writers, target.buffer, one);
    return one;
  });
  // What needs nothing, such as zeros around something, waits for those who need it, so that it is in cache then.
  const needsNothing = ({ nest, domain }: Planned) =>
    domain === 'groups' &&
    nest.statements.every(({ target }) => target.buffer.laneAxis !== null) &&
    !readsOf(nest).some(({ buffer }) => writers.has(buffer));
  const waiting = new Set(planned.filter(needsNothing));
  const users = new Map<Buffer, Planned[]>();
  for (const one of planned) if (!waiting.has(one)) for (const buffer of one.buffers) append(users, buffer, one);
  for (const one of waiting) {
    const slots = one.nest.statements.flatMap(({ target }) => users.get(target.buffer) ?? []).map(({ slot }) => slot);
    const first = Math.min(...slots);
    if (slots.length > 0 && order[first % 3] === 'groups') one.slot = first;
  }
  for (const one of planned) {
    const others = one.nest.statements.flatMap(({ target }) => users.get(target.buffer) ?? []).filter((x) => x !== one);
    if (one.domain !== 'groups' && readsOf(one.nest).length === 0) joinWriters(one, others);
  }
  const bySlot = new Map<number, Nest[]>();
  for (const { nest, slot } of planned) append(bySlot, slot, nest);
  return [...bySlot].sort(([a], [b]) => a - b).map(([slot, nests]) => ({ domain: order[slot % 3], nests }));
}

/** Moves what needs nothing to those that write to the same memory, if nobody reads from it before they are done. */
function joinWriters(one: Planned, others: readonly Planned[]): void {
  const targets = new Set(one.nest.statements.map(({ target }) => target.buffer));
  const isReader = ({ nest }: Planned) => readsOf(nest).some(({ buffer }) => targets.has(buffer));
  const firstOf = (some: readonly Planned[]) => Math.min(...some.map(({ slot }) => slot));
  const [written, read] = [firstOf(others.filter((x) => !isReader(x))), firstOf(others.filter(isReader))];
  const domain = order[written % 3];
  const isBefore = written < read || (written === read && domain === 'serial');
  if (isBefore && domain !== 'groups' && one.nest.outer.length > 0) one.slot = written;
}

/** The first slot of a nest's domain that comes after all that it needs. */
function firstSlot({ domain, buffers }: Planned, writers: ReadonlyMap<Buffer, readonly Planned[]>): number {
  const rank = order.indexOf(domain);
  let slot = rank;
  for (const buffer of buffers) {
    for (const writer of writers.get(buffer) ?? []) {
      const together = writer.domain === domain && follows(domain, buffer);
      const earliest = writer.slot + (together ? 0 : 1);
      slot = Math.max(slot, earliest + ((rank - (earliest % 3) + 3) % 3));
    }
  }
  return slot;
}

function append<Key, Value>(lists: Map<Key, Value[]>, key: Key, value: Value): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
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
export function isStreaming({ outer, inner, statements }: Nest, group: Loop): boolean {
  const reads = statements.length === 1 ? productReads(statements[0]) : null;
  const same = reads?.filter(({ index }) => index.coefficient(group) === 0) ?? [];
  const own = [...outer, ...inner].filter(({ kind }) => kind === undefined);
  return same.some(({ index }) => {
    const elements = iterationsOf(own.filter((loop) => index.coefficient(loop) !== 0));
    return elements > streamed.elements && iterationsOf(own) <= streamed.uses * elements;
  });
}

/** Innermost iterations of a nest. */
export function workOf({ outer, inner, statements }: Nest): number {
  return iterationsOf(outer) * iterationsOf(inner) * statements.length;
}

/** The steps as text. */
export function printSteps(steps: readonly Step[]): string {
  return steps.map(({ domain, nests }, i) => `step ${i} ${domain}\n${nests.map(printNest).join('')}`).join('');
}
