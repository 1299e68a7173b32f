// Where buffers lie in scratch memory: lifetimes in steps, first fit.

import { type Buffer, buffersOf, elementsOf, groupElements } from '../ir/nest.js';
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

/** A nest that uses a buffer, by its place in the order of execution. */
interface Use {
  readonly step: number;
  readonly position: number;
}

interface Interval {
  readonly buffer: Buffer;
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
}

/** The first and the last nest that use a buffer. */
interface Uses {
  first: Use;
  last: Use;
}

type Life = Pick<Interval, 'first' | 'last'>;

/** From where to where a buffer is needed, in steps or in nests. */
export function lifeOf({ first, last }: Uses, unit: keyof Use): Life {
  return { first: first[unit], last: last[unit] };
}

const forever = (): Life => ({ first: 0, last: Infinity });

export function planMemory(steps: readonly Step[], life: typeof lifeOf = forever): MemoryPlan {
  const uses = new Map<Buffer, Uses>();
  let position = 0;
  steps.forEach(({ nests }, step) => {
    for (const nest of nests) {
      const use = { step, position: position++ };
      for (const buffer of buffersOf(nest)) {
        const known = uses.get(buffer);
        if (known) known.last = use;
        else if (buffer.source === null) uses.set(buffer, { first: use, last: use });
      }
    }
  });
  const [fixed, perThread]: [Interval[], Interval[]] = [[], []];
  for (const [buffer, own] of uses) {
    const { first, last } = own;
    const within = first.step === last.step && steps[first.step].domain === 'groups' && buffer.laneAxis !== null;
    if (within) perThread.push({ buffer, bytes: 4 * groupElements(buffer), ...life(own, 'position') });
    else fixed.push({ buffer, bytes: 4 * elementsOf(buffer), ...life(own, 'step') });
  }
  const [all, own] = [firstFit(fixed), firstFit(perThread)];
  return { fixed: all.offsets, fixedBytes: all.bytes, perThread: own.offsets, threadBytes: own.bytes };
}

/** Buffers for which room is searched between others: the time for that grows with the square of their number. */
const mostSearched = 1000;

/** First fit, the largest first; buffers whose lifetimes touch do not share memory. */
function firstFit(intervals: readonly Interval[]): { offsets: Map<Buffer, number>; bytes: number } {
  /** In the order of offsets. */
  const placed: (Interval & { readonly offset: number; readonly end: number })[] = [];
  let bytes = 0;
  const sorted = [...intervals].sort((a, b) => b.bytes - a.bytes);
  for (const interval of sorted.slice(0, mostSearched)) {
    const room = roomFor(interval);
    let offset = 0;
    for (let i = 0; i < placed.length; i++) {
      const other = placed[i];
      if (other.first > interval.last || interval.first > other.last) continue;
      if (offset + room <= other.offset) break;
      offset = Math.max(offset, other.end);
    }
    const end = offset + room;
    const next = placed.findIndex((other) => other.offset > offset);
    placed.splice(next < 0 ? placed.length : next, 0, { ...interval, offset, end });
    bytes = Math.max(bytes, end);
  }
  const offsets = new Map<Buffer, number>();
  for (const { buffer, offset } of placed) offsets.set(buffer, offset);
  return { offsets, bytes: placeBySize(sorted.slice(mostSearched), offsets, bytes) };
}

/** The many small ones of deep networks, behind the others: each in the place of one of its size whose life is over. */
function placeBySize(intervals: readonly Interval[], offsets: Map<Buffer, number>, from: number): number {
  const ending = [...intervals].sort((a, b) => a.last - b.last);
  const free = new Map<number, number[]>();
  let [ended, bytes] = [0, from];
  for (const { buffer, bytes: size, first } of [...intervals].sort((a, b) => a.first - b.first)) {
    for (; ending[ended].last < first; ended++) {
      const room = roomFor(ending[ended]);
      const places = free.get(room) ?? [];
      places.push(offsets.get(ending[ended].buffer)!);
      free.set(room, places);
    }
    const room = roomFor({ bytes: size });
    const offset = free.get(room)?.pop();
    offsets.set(buffer, offset ?? bytes);
    if (offset === undefined) bytes += room;
  }
  return bytes;
}

/** Whole cache lines, and one more: buffers of 4,096 bytes' multiples would all compete for the same cache sets. */
function roomFor({ bytes }: { bytes: number }): number {
  return Math.ceil(bytes / 64) * 64 + 64;
}
