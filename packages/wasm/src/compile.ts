// From a graph to a WebAssembly module and the order in which its functions run.

import { type Graph, type Spec, sizeOf } from '@bn/core';
import type { Place } from './emit/addressing.js';
import { AlikeNests } from './emit/alike-nests.js';
import { Constants } from './emit/constants.js';
import { encodeModule, type ModuleFunction, markImport } from './emit/module.js';
import { emitNest } from './emit/nest-code.js';
import { emitProgram, type Round, type TimedNest } from './emit/program.js';
import { type Constant, numbersOf } from './ir/constant.js';
import { type Buffer, buffersOf, elementBytes, elementsOf } from './ir/nest.js';
import { type Look, type Passes, passesOf, planGraph } from './pipeline.js';
import { planMemory } from './plan/memory-plan.js';
import { printSchedule, type Schedule } from './plan/schedule.js';
import { scheduleNest } from './plan/schedule-nest.js';
import { type Step, workOf } from './plan/steps.js';

export interface Program {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly rounds: readonly Round[];
  /** Address of the table of arguments' addresses: inputs, then outputs; then the number of groups of rows. */
  readonly table: number;
  readonly inputs: readonly string[];
  readonly inputBytes: readonly number[];
  /** `rows`: whether the first axis is the symbolic one. */
  readonly outputs: readonly (readonly [name: string, spec: Spec, rows: boolean])[];
  /** Constants, to be written once. */
  readonly data: readonly { readonly address: number; readonly words: Constant; readonly isFloat: boolean }[];
  /** Iterations of all nests, as a measure of work. */
  readonly iterations: number;
  /** Memory of the executable's own, and memory that runs of other executables may overwrite. */
  readonly ownBytes: number;
  /** Of constants that other programs may hold, too. */
  readonly sharedBytes: number;
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
  /** Is given the graph, the nests and the steps as text, if it asks for them. */
  readonly look?: Look | undefined;
  /** Makes room, and says where: for what belongs to this program alone, and for scratch. */
  readonly reserve: (kind: 'own' | 'scratch', bytes: number) => number;
  /** Says where these float32 words are, which other programs may have put there. Without it, each program has its own. */
  readonly share?: (words: Constant, bytes: number) => number;
}

/** Smaller constants are copied into each program. */
const smallestShared = 65_536;

/** Room for vector constants: a number for each node, and what functions, indices and masks take. */
const constantBytesOf = ({ nodes }: Graph) => 16 * nodes.length + 16_384;

export function compile(graph: Graph, batch: number, options: CompileOptions): Program {
  const { functions, ...program } = compileFunctions(graph, batch, options);
  return { ...program, bytes: encodeModule(functions, options.memory, options.profile ? [markImport] : []) };
}

/** A nest with a smaller share in all iterations would not repay the compilation of many products written out. */
const smallShare = 1 / 4000;

/** A program before its functions are a module. */
export function compileFunctions(
  graph: Graph,
  batch: number,
  options: Omit<CompileOptions, 'memory'>,
): Omit<Program, 'bytes'> & { readonly functions: ModuleFunction[] } {
  const { passes, countsRows, relaxed, profile } = options;
  const { steps, lowered, bound } = planGraph(graph, batch, passes, countsRows, options.look);
  const plan = planMemory(steps, passesOf('memory', passes)[0]);
  const all = [...constantBuffers(steps)];
  const isShared = ([{ dtype }, bytes]: readonly [Buffer, number]) =>
    options.share !== undefined && dtype === 'float32' && bytes >= smallestShared;
  const tables = all.filter((table) => !isShared(table));
  const shared = all.filter(isShared);
  const entries = lowered.inputs.length + lowered.outputs.length;
  const tableBytes = roomFor(entries + 1);
  const constantBytes = roomFor(constantBytesOf(bound) / 4);
  const ownBytes = tableBytes + constantBytes + total(tables);
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
  const owned = [...addresses];
  for (const [buffer, bytes] of shared) addresses.set(buffer, options.share!(wordsOf(buffer), bytes));
  const places = (buffer: Buffer): Place => {
    if (buffer.source && 'argument' in buffer.source)
      return { at: 'argument', entry: table + 4 * buffer.source.argument };
    const own = plan.perThread.get(buffer);
    if (own !== undefined) return { at: 'thread', address: own };
    return { at: 'fixed', address: addresses.get(buffer) ?? scratch + plan.fixed.get(buffer)! };
  };
  const groups = countsRows ? table + 4 * entries : null;
  const iterations = steps.reduce((sum, { nests }) => nests.reduce((work, nest) => work + workOf(nest), sum), 0);
  const [tile] = passesOf('tiles', passes);
  const alike = new AlikeNests(places);
  const scheduled = steps.map((step) => ({
    step,
    schedules: step.nests.map((nest) => {
      const isSmall = workOf(nest) < smallShare * iterations;
      return alike.schedule(nest, `${step.domain}${isSmall}`, () => scheduleNest(nest, step.domain, tile, isSmall));
    }),
  }));
  options.look?.('schedules', () => printSchedules(scheduled));
  const { functions, rounds, timed } = emitProgram(scheduled, groups, profile, options.threads, (nest) =>
    alike.encode(nest, (schedule) => emitNest(schedule, places, constants, { relaxed, groups })),
  );
  if (constants.words.length * 4 > constantBytes) throw new Error('too many vector constants');
  return {
    functions,
    rounds,
    table,
    inputs: lowered.inputs,
    inputBytes: [...bound.inputs.values()].map((node) => sizeOf(node.shape) * elementBytes(node.dtype)),
    outputs: [...bound.outputs].map(([name, { shape, dtype }]) => {
      return [name, { shape, dtype }, graph.outputs.get(name)!.shape[0] === null] as const;
    }),
    data: [
      { address: constantsAt, words: constants.words, isFloat: false },
      ...owned.map(([buffer, address]) => ({
        address,
        words: wordsOf(buffer),
        isFloat: buffer.dtype === 'float32',
      })),
    ],
    iterations,
    ownBytes,
    sharedBytes: total(shared),
    scratchBytes: plan.fixedBytes,
    threadMemory: scratch + plan.fixedBytes,
    threadBytes: plan.threadBytes,
    timed: profile ? timed : null,
  };
}

function printSchedules(steps: readonly { readonly step: Step; readonly schedules: readonly Schedule[] }[]): string {
  return steps
    .map(
      ({ step, schedules }, i) =>
        `step ${i} ${step.domain}\n${schedules.map((one) => `  ${printSchedule(one)}\n`).join('')}`,
    )
    .join('');
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

function total(tables: readonly (readonly [Buffer, number])[]): number {
  return tables.reduce((sum, [, bytes]) => sum + bytes, 0);
}

/** Bytes for so many words, in whole cache lines. */
function roomFor(words: number): number {
  return Math.ceil(words / 16) * 64;
}

/** The elements of a constant as memory has them: a bool is a mask. */
function wordsOf({ source, dtype }: Buffer): Constant {
  const { constant } = source as { readonly constant: Constant };
  return dtype === 'bool' ? Array.from(numbersOf(constant), (v) => (v === 0 ? 0 : -1)) : constant;
}
