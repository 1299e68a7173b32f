// Where buffers lie in scratch memory: lifetimes in steps, first fit.

import { type Buffer, elementsOf, groupElements, type Nest, readsOf } from '../ir/nest.js';
import type { Step } from './steps.js';

/** Offsets from the start of scratch memory. */
export interface MemoryPlan {
  /** Buffers of all groups, and those without groups. */
  readonly fixed: ReadonlyMap<Buffer, number>;
  readonly fixedBytes: number;
  /** Buffers that live within one step and one group: each thread has its own, without room for other groups. */
  readonly perThread: ReadonlyMap<Buffer, number>;
  readonly threadBytes: number;
}

interface Interval {
  readonly buffer: Buffer;
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
}

export function planMemory(steps: readonly Step[], reuse = true): MemoryPlan {
  const uses = new Map<Buffer, { step: number; position: number }[]>();
  let position = 0;
  steps.forEach(({ nests }, step) => {
    for (const nest of nests) {
      for (const buffer of buffersOf(nest)) {
        if (buffer.source === null) uses.set(buffer, [...(uses.get(buffer) ?? []), { step, position }]);
      }
      position++;
    }
  });
  const [fixed, perThread]: [Interval[], Interval[]] = [[], []];
  for (const [buffer, at] of uses) {
    const [first, last] = [at[0], at.at(-1)!];
    const within = first.step === last.step && steps[first.step].domain === 'groups' && buffer.laneAxis !== null;
    const span = (of: 'step' | 'position') => (reuse ? { first: first[of], last: last[of] } : { first: 0, last: 1e9 });
    if (within) perThread.push({ buffer, bytes: 4 * groupElements(buffer), ...span('position') });
    else fixed.push({ buffer, bytes: 4 * elementsOf(buffer), ...span('step') });
  }
  const [all, own] = [place(fixed), place(perThread)];
  return { fixed: all.offsets, fixedBytes: all.bytes, perThread: own.offsets, threadBytes: own.bytes };
}

/** First fit, the largest first; buffers whose lifetimes touch do not share memory. */
function place(intervals: readonly Interval[]): { offsets: Map<Buffer, number>; bytes: number } {
  const placed: (Interval & { offset: number })[] = [];
  for (const interval of [...intervals].sort((a, b) => b.bytes - a.bytes)) {
    const others = placed
      .filter(({ first, last }) => first <= interval.last && interval.first <= last)
      .sort((a, b) => a.offset - b.offset);
    let offset = 0;
    for (const other of others) {
      if (offset + roomFor(interval) <= other.offset) break;
      offset = Math.max(offset, other.offset + roomFor(other));
    }
    placed.push({ ...interval, offset });
  }
  return {
    offsets: new Map(placed.map(({ buffer, offset }) => [buffer, offset])),
    bytes: placed.reduce((size, other) => Math.max(size, other.offset + roomFor(other)), 0),
  };
}

/** Whole cache lines, and one more: buffers of 4,096 bytes' multiples would all compete for the same cache sets. */
function roomFor({ bytes }: { bytes: number }): number {
  return Math.ceil(bytes / 64) * 64 + 64;
}

export function buffersOf(nest: Nest): Set<Buffer> {
  return new Set([...readsOf(nest).map(({ buffer }) => buffer), ...nest.statements.map(({ target }) => target.buffer)]);
}
