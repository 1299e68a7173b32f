// The functions of a program: one for each nest, those that call the nests of a step one after the other, and the order
// in which they run.

import type { Phase } from '@bn/core';
import type { Nest } from '../ir/nest.js';
import type { Schedule } from '../plan/schedule.js';
import { type Step, workOf } from '../plan/steps.js';
import { operationsOf } from '../profile/operations.js';
import { groupsPerChunk } from '../reshape/partial-sums.js';
import { Code, i32, scalar } from './code.js';
import type { ModuleFunction } from './module.js';
import { nestParameters } from './nest-code.js';

/** A call of an exported function: the first group or iteration, and the one after the last. */
interface Task {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** What can be computed at the same time. What comes after it waits until all of it is done. */
export type Round = readonly Task[];

/** A nest that the program times. */
export interface TimedNest extends Omit<Phase, 'seconds'> {
  /** How often it is entered and left in one run. */
  readonly calls: number;
}

export interface ProgramCode {
  readonly functions: ModuleFunction[];
  readonly rounds: Round[];
  /** By slot of the clock, less one. */
  readonly timed: TimedNest[];
}

/** Ranges that a nest is cut into where there are several threads, and iterations of each that make it worth a task. */
const [mostRanges, leastWork] = [32, 8192];

/**
 * @param groups the address of the number of groups that a run has; null if it is always the same
 * @param isTimed adds calls of the clock, which is function 0, between nests
 */
export function emitProgram(
  steps: readonly { readonly step: Step; readonly schedules: readonly Schedule[] }[],
  groups: number | null,
  isTimed: boolean,
  threads: number,
  emit: (nest: Nest) => Uint8Array,
): ProgramCode {
  const functions: ModuleFunction[] = [];
  const rounds: Round[] = [];
  const timed: TimedNest[] = [];
  steps.forEach(({ step: { domain, nests }, schedules }, i) => {
    const first = functions.length + (isTimed ? 1 : 0);
    const slots = timed.length + 1;
    const nestName = (n: number) => `step${i}nest${n}`;
    nests.forEach((nest, n) => {
      const exportName = domain === 'ranges' && !isTimed ? nestName(n) : undefined;
      functions.push({ parameters: nestParameters, body: emit(nest), ...(exportName && { exportName }) });
    });
    const caller = (exportName: string, from: number, count: number) => {
      const slot = isTimed ? slots + from : null;
      const code =
        domain === 'groups' ? callForGroups(first + from, count, slot, groups) : callAll(first + from, count, slot);
      functions.push({ parameters: nestParameters, body: code.encode(), exportName });
      return exportName;
    };
    const time = (nest: Nest, calls: number) => {
      const operations = operationsOf(nest);
      timed.push({ name: nest.name, origins: nest.origins, calls, ...(operations !== undefined && { operations }) });
    };
    if (domain === 'ranges') {
      const tasks = schedules.map((schedule, n) =>
        rangesOf(isTimed ? caller(nestName(n), n, 1) : nestName(n), schedule, threads),
      );
      if (isTimed) for (const [n, nest] of nests.entries()) time(nest, tasks[n].length);
      rounds.push(tasks.flat());
      return;
    }
    const name = caller(`step${i}`, 0, nests.length);
    const round = domain === 'groups' ? chunksOf(name, nests[0]) : [{ name, start: 0, end: 1 }];
    if (isTimed) for (const nest of nests) time(nest, round.at(-1)!.end);
    rounds.push(round);
  });
  return { functions, rounds, timed };
}

const [start, end, thread] = [0, 1, 2];

/**
 * A function that calls nests one after the other.
 *
 * @param slot of the clock for the first nest; null for no clock
 */
function callAll(first: number, count: number, slot: number | null): Code {
  const code = new Code(nestParameters, false);
  if (slot !== null) mark(code, 0);
  callNests(code, first, count, end, slot);
  return code;
}

/** The same for each group of a range, as far as there are groups: `groups` is where their number stands. */
function callForGroups(first: number, count: number, slot: number | null, groups: number | null): Code {
  const code = new Code(nestParameters, false);
  const chunk = code.local(i32);
  if (slot !== null) mark(code, 0);
  code.get(start);
  code.set(chunk);
  code.block(() => {
    code.loop(() => {
      if (groups !== null) {
        code.get(start);
        code.constant(0);
        code.loadI32(groups);
        code.scalar(scalar.geS);
        code.branchIf(1);
      }
      callNests(code, first, count, chunk, slot);
      code.get(start);
      code.constant(1);
      code.scalar(scalar.add);
      code.tee(start);
      code.get(end);
      code.scalar(scalar.ltS);
      code.branchIf(0);
    });
  });
  return code;
}

function callNests(code: Code, first: number, count: number, second: number, slot: number | null): void {
  for (let i = 0; i < count; i++) {
    for (const argument of [start, second, thread]) code.get(argument);
    code.call(first + i);
    if (slot !== null) mark(code, slot + i);
  }
}

/** Calls the clock, which is function 0. */
function mark(code: Code, slot: number): void {
  code.constant(slot);
  code.call(0);
}

function chunksOf(name: string, nest: Nest): Round {
  const groups = nest.outer.find(({ kind }) => kind === 'group')!.extent;
  return cut(name, groups, groupsPerChunk(groups));
}

/** Ranges of a nest's first loop, counted as the emitted function counts: whole tiles, and one for what is left. */
function rangesOf(name: string, { nest, outer: [{ loop, tile }], vector }: Schedule, threads: number): Round {
  const whole = Math.floor(loop.extent / (loop === vector ? 4 * tile : tile));
  const units = whole * (loop === vector ? 4 * tile : tile) === loop.extent ? whole : whole + 1;
  const ranges = threads === 1 ? 1 : Math.max(1, Math.min(mostRanges, workOf(nest) / leastWork));
  return cut(name, units, Math.ceil(units / ranges));
}

function cut(name: string, units: number, size: number): Round {
  return Array.from({ length: Math.ceil(units / size) }, (_, i) => ({
    name,
    start: i * size,
    end: Math.min((i + 1) * size, units),
  }));
}
