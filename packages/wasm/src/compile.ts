// From a graph to a WebAssembly module and the order in which its functions run.

import { type Graph, type Phase, type Spec, sizeOf } from '@bn/core';
import { chooseLaneAxes, type LaneAxes } from './analysis/lane-axes.js';
import { chooseStorage } from './analysis/storage.js';
import type { Place } from './emit/addressing.js';
import { Code, i32, scalar } from './emit/code.js';
import { Constants } from './emit/constants.js';
import { encodeModule, type ModuleFunction } from './emit/module.js';
import { emitNest, nestParameters } from './emit/nest-code.js';
import { type Buffer, buffersOf, elementBytes, elementsOf, type Nest } from './ir/nest.js';
import { type Lowered, lower } from './lower/lowering.js';
import type { Passes } from './passes.js';
import { planMemory } from './plan/memory-plan.js';
import type { Schedule } from './plan/schedule.js';
import { scheduleNest } from './plan/schedule-nest.js';
import { planSteps, type Step, workOf } from './plan/steps.js';
import { operationsOf } from './profile/operations.js';
import { blockSums } from './reshape/block-sums.js';
import { mergeNests } from './reshape/merge-nests.js';
import { groupsPerChunk, splitIntoPartialSums } from './reshape/partial-sums.js';
import { bindBatch } from './rewrite/bind-batch.js';
import { factorProducts } from './rewrite/factor-products.js';
import { padConvolution } from './rewrite/pad-convolution.js';
import { type Replacement, replaceNodes } from './rewrite/replace-nodes.js';
import { splitSums } from './rewrite/split-sums.js';
import { winograd } from './rewrite/winograd.js';
import { markImport } from './run/clock.js';
import { unoptimized } from './run/engine.js';

/** A call of an exported function: the first group or iteration, and the one after the last. */
interface Task {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** What can be computed at the same time. After it, all threads meet. */
type Stage = readonly Task[];

/** A nest that the program times. */
export interface TimedNest extends Omit<Phase, 'seconds'> {
  /** How often it is entered and left in one run. */
  readonly calls: number;
}

export interface Program {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly stages: readonly Stage[];
  /** Address of the table of arguments' addresses: inputs, then outputs; then the number of groups of rows. */
  readonly table: number;
  readonly inputs: readonly string[];
  readonly inputBytes: readonly number[];
  /** `rows`: whether the first axis is the symbolic one. */
  readonly outputs: readonly (readonly [name: string, spec: Spec, rows: boolean])[];
  /** Constants, to be written once. */
  readonly data: readonly { readonly address: number; readonly words: ArrayLike<number>; readonly isFloat: boolean }[];
  /** Iterations of all nests, as a measure of work. */
  readonly iterations: number;
  /** Memory of the executable's own, and memory that runs of other executables may overwrite. */
  readonly ownBytes: number;
  readonly scratchBytes: number;
  readonly threadMemory: number;
  readonly threadBytes: number;
  /** By slot of the clock, less one; null if the program was not compiled to be timed. */
  readonly timed: readonly TimedNest[] | null;
}

export interface CompileOptions {
  /** A multiplication and an addition may be rounded as one. */
  readonly relaxed: boolean;
  readonly memory: { readonly maximum: number; readonly shared: boolean };
  readonly threads: number;
  readonly passes: Passes;
  /** Lanes are on rows, which do not depend on each other: a run says how many groups of four it has, up to all. */
  readonly countsRows: boolean;
  /** Adds calls of `env.mark` between nests. */
  readonly profile: boolean;
  /** Makes room, and says where: for what belongs to this program alone, and for scratch. */
  readonly reserve: (kind: 'own' | 'scratch', bytes: number) => number;
}

/** Room for vector constants: a number for each node, and what functions, indices and masks take. */
const constantBytesOf = ({ nodes }: Graph) => 16 * nodes.length + 16_384;

/** The steps of a graph, before memory and instructions. */
export function planGraph(
  graph: Graph,
  batch: number,
  passes: Passes,
  countsRows = false,
): { steps: Step[]; lowered: Lowered; bound: Graph } {
  let bound = bindBatch(graph, batch);
  if (passes.factors) bound = factorProducts(bound);
  const [symbolic] = [...graph.inputs].filter(([, { shape }]) => shape.includes(null)).map(([name]) => name);
  const rows = countsRows ? bound.inputs.get(symbolic)! : null;
  const lanesOf = (graph: Graph): LaneAxes => (passes.lanes ? chooseLaneAxes(graph, rows) : new Map());
  bound = replaceNodes(bound, replacementsOf(passes, lanesOf(bound)));
  const lanes = lanesOf(bound);
  const lowered = lower(bound, lanes, chooseStorage(bound, lanes));
  const parts = passes.parts ? splitIntoPartialSums(lowered.nests) : lowered.nests;
  const nests = passes.blocks ? blockSums(parts) : parts;
  const steps = planSteps(nests).map((step) => (passes.merge ? { ...step, nests: mergeNests(step.nests) } : step));
  return { steps, lowered, bound };
}

/** Rewrites that do not need each other's results, but at one node: they come in this order. */
function replacementsOf(passes: Passes, lanes: LaneAxes): Replacement[] {
  const replacements: Replacement[] = [];
  if (passes.pad) replacements.push(padConvolution);
  if (passes.lanes && passes.split) replacements.push(splitSums(lanes));
  if (passes.lanes && passes.winograd) replacements.push(winograd(lanes));
  return replacements;
}

export function compile(graph: Graph, batch: number, options: CompileOptions): Program {
  return unoptimized(() => {
    const { functions, ...program } = compileFunctions(graph, batch, options);
    return { ...program, bytes: encodeModule(functions, options.memory, options.profile ? [markImport] : []) };
  });
}

/** A program before its functions are a module. */
export function compileFunctions(
  graph: Graph,
  batch: number,
  options: Omit<CompileOptions, 'memory'>,
): Omit<Program, 'bytes'> & { readonly functions: ModuleFunction[] } {
  const { steps, lowered, bound } = planGraph(graph, batch, options.passes, options.countsRows);
  const plan = planMemory(steps, options.passes.reuse);
  const tables = constantBuffers(steps);
  const entries = lowered.inputs.length + lowered.outputs.length;
  const tableBytes = roomFor(entries + 1);
  const constantBytes = roomFor(constantBytesOf(bound) / 4);
  const ownBytes = tableBytes + constantBytes + [...tables.values()].reduce((sum, bytes) => sum + bytes, 0);
  // First what may be too much.
  const scratch = options.reserve('scratch', plan.fixedBytes + plan.threadBytes * options.threads);
  const table = options.reserve('own', ownBytes);
  const constantsAt = table + tableBytes;
  const constants = new Constants(constantsAt);
  const addresses = new Map<Buffer, number>();
  let next = constantsAt + constantBytes;
  for (const [buffer, bytes] of tables) {
    addresses.set(buffer, next);
    next += bytes;
  }
  const places = (buffer: Buffer): Place => {
    if (buffer.source && 'argument' in buffer.source)
      return { at: 'argument', entry: table + 4 * buffer.source.argument };
    const own = plan.perThread.get(buffer);
    if (own !== undefined) return { at: 'thread', address: own };
    return { at: 'fixed', address: addresses.get(buffer) ?? scratch + plan.fixed.get(buffer)! };
  };
  const groups = options.countsRows ? table + 4 * entries : null;
  const iterations = steps.reduce((sum, { nests }) => nests.reduce((work, nest) => work + workOf(nest), sum), 0);
  const { functions, stages, timed } = emitSteps(steps, iterations, options, groups, (schedule) =>
    emitNest(schedule, places, constants, { relaxed: options.relaxed, groups }),
  );
  if (constants.words.length * 4 > constantBytes) throw new Error('too many vector constants');
  return {
    functions,
    stages,
    table,
    inputs: lowered.inputs,
    inputBytes: [...bound.inputs.values()].map((node) => sizeOf(node.shape) * elementBytes(node.dtype)),
    outputs: [...bound.outputs].map(([name, { shape, dtype }]) => {
      return [name, { shape, dtype }, graph.outputs.get(name)!.shape[0] === null] as const;
    }),
    data: [
      { address: constantsAt, words: constants.words, isFloat: false },
      ...[...addresses].map(([buffer, address]) => ({
        address,
        words: wordsOf(buffer),
        isFloat: buffer.dtype === 'float32',
      })),
    ],
    iterations,
    ownBytes,
    scratchBytes: plan.fixedBytes,
    threadMemory: scratch + plan.fixedBytes,
    threadBytes: plan.threadBytes,
    timed: options.profile ? timed : null,
  };
}

/** Ranges that a nest is cut into. */
const mostRanges = 32;
/** A nest with a smaller share in all iterations would not repay the compilation of many products written out. */
const smallShare = 1 / 4000;

function emitSteps(
  steps: readonly Step[],
  iterations: number,
  { passes, profile }: Pick<CompileOptions, 'passes' | 'profile'>,
  groups: number | null,
  emit: (schedule: Schedule) => Uint8Array,
) {
  const functions: ModuleFunction[] = [];
  const stages: Stage[] = [];
  const timed: TimedNest[] = [];
  steps.forEach(({ domain, nests }, i) => {
    const schedules = nests.map((nest) => scheduleNest(nest, domain, passes, workOf(nest) < smallShare * iterations));
    const first = functions.length + (profile ? 1 : 0);
    const slots = timed.length + 1;
    const nestName = (n: number) => `step${i}nest${n}`;
    schedules.forEach((schedule, n) => {
      const exportName = domain === 'ranges' && !profile ? nestName(n) : undefined;
      functions.push({ parameters: nestParameters, body: emit(schedule), ...(exportName && { exportName }) });
    });
    const caller = (exportName: string, from: number, count: number) => {
      const slot = profile ? slots + from : null;
      const code =
        domain === 'groups' ? callForGroups(first + from, count, slot, groups) : callAll(first + from, count, slot);
      functions.push({ parameters: nestParameters, body: code.encode(), exportName });
      return exportName;
    };
    const add = (nest: Nest, calls: number) => {
      if (!profile) return;
      const operations = operationsOf(nest);
      timed.push({ name: nest.name, origins: nest.origins, calls, ...(operations !== undefined && { operations }) });
    };
    if (domain === 'ranges') {
      const tasks = schedules.map((schedule, n) =>
        rangesOf(profile ? caller(nestName(n), n, 1) : nestName(n), schedule),
      );
      for (const [n, nest] of nests.entries()) add(nest, tasks[n].length);
      stages.push(tasks.flat());
      return;
    }
    const name = caller(`step${i}`, 0, nests.length);
    const stage = domain === 'groups' ? chunksOf(name, nests[0]) : [{ name, start: 0, end: 1 }];
    for (const nest of nests) add(nest, stage.at(-1)!.end);
    stages.push(stage);
  });
  return { functions, stages, timed };
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

function chunksOf(name: string, nest: Nest): Stage {
  const groups = nest.outer.find(({ kind }) => kind === 'group')!.extent;
  return cut(name, groups, groupsPerChunk(groups));
}

/** Ranges of a nest's first loop, counted as the emitted function counts: whole tiles, and one for what is left. */
function rangesOf(name: string, { outer: [{ loop, tile }], vector }: Schedule): Stage {
  const whole = Math.floor(loop.extent / (loop === vector ? 4 * tile : tile));
  const units = whole * (loop === vector ? 4 * tile : tile) === loop.extent ? whole : whole + 1;
  return cut(name, units, Math.ceil(units / mostRanges));
}

function cut(name: string, units: number, size: number): Stage {
  return Array.from({ length: Math.ceil(units / size) }, (_, i) => ({
    name,
    start: i * size,
    end: Math.min((i + 1) * size, units),
  }));
}

/** Tables known at compilation, and their sizes in bytes. */
function constantBuffers(steps: readonly Step[]): Map<Buffer, number> {
  const sizes = new Map<Buffer, number>();
  for (const nest of steps.flatMap(({ nests }) => nests)) {
    for (const buffer of buffersOf(nest)) {
      if (buffer.source && 'constant' in buffer.source) sizes.set(buffer, roomFor(elementsOf(buffer)));
    }
  }
  return sizes;
}

/** Bytes for so many words, in whole cache lines. */
function roomFor(words: number): number {
  return Math.ceil(words / 16) * 64;
}

/** The elements of a constant as memory has them: a bool is a mask. */
function wordsOf({ source, dtype }: Buffer): ArrayLike<number> {
  const { constant } = source as { readonly constant: ArrayLike<number> };
  return dtype === 'bool' ? Array.from(constant, (v) => (v === 0 ? 0 : -1)) : constant;
}
