// The backend proper: values are blocks of one WebAssembly memory, executables are modules that compute on it.

import {
  type BackendOptions,
  type Compiled,
  createArray,
  type Device,
  type DType,
  type Graph,
  type Report,
  type Spec,
  sizeOf,
  type TypedArray,
  type Value,
  ValueBackend,
} from '@bn/core';
import { hasIndependentRows } from '../analysis/independent-rows.js';
import { compile, type Program } from '../compile.js';
import { type Constant, Derived } from '../ir/constant.js';
import { elementBytes } from '../ir/nest.js';
import type { Look, Passes } from '../pipeline.js';
import { measurePeak } from '../profile/measure-peak.js';
import { createReport, memoryOf } from '../profile/report.js';
import { Timing } from '../profile/timing.js';
import { unoptimized } from './engine.js';
import type { Heap } from './heap.js';
import { capacityFor, Programs } from './programs.js';
import { SharedConstants } from './shared-constants.js';
import type { Team } from './team.js';

interface Block {
  readonly address: number;
  readonly bytes: number;
}

interface Scratch extends Block {
  /** Programs that were compiled for it. */
  users: number;
}

/** A program and its module. */
interface Loaded {
  readonly program: Omit<Program, 'data'>;
  /** Rows that it was made for, where it also does for fewer. */
  readonly capacity: number | null;
  readonly run: (prepare: () => void, iterations: number) => Promise<void>;
  readonly free: () => Promise<void>;
  /** If the program is timed. */
  readonly timing: Timing | null;
}

export interface WasmOptions {
  readonly relaxed: boolean;
  readonly passes: Passes;
  readonly profile: BackendOptions['profile'];
  /** Is shown each program on its way through the compiler. */
  readonly look?: Look | undefined;
}

export class WasmBackend extends ValueBackend<Block> {
  override readonly name = 'wasm';
  override readonly device: Device;
  readonly #heap: Heap;
  readonly #team: Team;
  readonly #options: WasmOptions;
  readonly #constants: SharedConstants;
  /** Scratch memory, which all programs use one after the other. */
  #scratch: Scratch = { address: 0, bytes: 0, users: 0 };
  /** Runs under way, and what was released meanwhile: they may still read it. */
  #running = 0;
  #released: Block[] = [];
  #peak: Promise<number> | null = null;

  constructor(device: Device, heap: Heap, team: Team, options: WasmOptions) {
    super();
    this.device = device;
    this.#heap = heap;
    this.#constants = new SharedConstants(heap);
    this.#team = team;
    this.#options = options;
  }

  protected override async prepare(graph: Graph): Promise<Compiled<Block>> {
    // A symbolic batch is known at the first run.
    const isSymbolic = [...graph.inputs.values()].some(({ shape }) => shape.includes(null));
    const countsRows = isSymbolic && hasIndependentRows(graph);
    const all: Loaded[] = [];
    const programs = new Programs(async (batch) => {
      const made = await this.#load(graph, batch, countsRows && batch >= 4);
      if (made.timing) all.push(made);
      return made;
    });
    await programs.get(1);
    return {
      run: (blocks, batch) =>
        this.#holding(async () => {
          const made = programs.get(countsRows ? capacityFor(batch) : batch);
          return this.#run(made instanceof Promise ? await made : made, blocks, batch);
        }),
      ...(this.#options.profile && { report: () => this.#report(all) }),
      dispose: () => programs.free(),
    };
  }

  protected override put(data: TypedArray, spec: Spec): Block {
    const block = this.#allocate(spec);
    this.#elements(block, spec.dtype, data.length).set(data);
    return block;
  }

  protected override take(block: Block, { shape, dtype }: Spec): TypedArray {
    const size = sizeOf(shape);
    const copy = createArray(dtype, size);
    copy.set(this.#elements(block, dtype, size));
    return copy;
  }

  protected override free(block: Block): void {
    if (this.#running > 0) this.#released.push(block);
    else this.#heap.free(block.address, block.bytes);
  }

  protected override close(): void {
    this.#team.dispose();
  }

  async #load(graph: Graph, batch: number, countsRows: boolean): Promise<Loaded> {
    const { relaxed, passes, profile, look } = this.#options;
    const { maximum, shared } = this.#heap;
    /** What belongs to this program, or to it among others. */
    const held: (() => void)[] = [];
    const release = () => {
      for (const free of held.splice(0)) free();
    };
    const own = (bytes: number) => {
      const address = this.#heap.allocate(bytes);
      held.push(() => this.#heap.free(address, bytes));
      return address;
    };
    const added: Program['data'][number][] = [];
    const share = (words: Constant, bytes: number) => {
      const { address, isNew, leave } = this.#constants.hold(words, bytes);
      held.push(leave);
      if (isNew) added.push({ address, words, isFloat: true });
      return address;
    };
    const options = {
      ...{
        relaxed,
        passes,
        look,
        countsRows,
        threads: this.#team.threads,
        profile: profile !== undefined,
        share,
      },
      memory: { maximum, shared },
      reserve: (kind: 'own' | 'scratch', bytes: number) => (kind === 'own' ? own(bytes) : this.#scratchOf(bytes)),
    };
    let compiled: Program;
    try {
      compiled = unoptimized(() => compile(graph, batch, options));
    } catch (error) {
      release();
      throw error;
    }
    // Constants are in the memory from now on.
    const { data, ...program } = compiled;
    const scratch = this.#scratch;
    scratch.users++;
    const { f32, i32 } = this.#heap.views;
    for (const { address, words, isFloat } of [...data, ...added]) {
      if (words instanceof Derived) words.write(f32.subarray(address / 4, address / 4 + words.length));
      else (isFloat ? f32 : i32).set(words, address / 4);
    }
    const handle = await this.#team.load(program);
    return {
      program,
      capacity: countsRows ? batch : null,
      run: (prepare, iterations) => this.#team.run(handle, prepare, iterations),
      free: async () => {
        await this.#team.unload(handle);
        release();
        this.#leave(scratch);
      },
      timing: profile && program.timed ? new Timing(program.timed, handle, profile.skippedRuns) : null,
    };
  }

  async #report(loaded: readonly Loaded[]): Promise<Report> {
    // Before anything is awaited: runs that come later do not count.
    const timings = loaded.flatMap(({ timing }) => timing?.read(this.#heap) ?? []);
    this.#peak ??= measurePeak(this.#team, this.#heap, this.#options.relaxed);
    const memory = memoryOf(
      loaded.map(({ program }) => program),
      this.#team.threads,
    );
    return createReport(timings, await this.#peak, memory);
  }

  /** Programs keep the addresses they were compiled for, so that scratch memory stays where it is, and larger is new. */
  #scratchOf(bytes: number): number {
    if (bytes > this.#scratch.bytes) this.#scratch = { address: this.#heap.allocate(bytes), bytes, users: 0 };
    return this.#scratch.address;
  }

  #leave(scratch: Scratch): void {
    scratch.users--;
    if (scratch.users > 0 || scratch.bytes === 0) return;
    this.#heap.free(scratch.address, scratch.bytes);
    if (scratch === this.#scratch) this.#scratch = { address: 0, bytes: 0, users: 0 };
  }

  /** Runs `body`; what is released meanwhile stays as it is until the end. */
  async #holding<T>(body: () => Promise<T>): Promise<T> {
    this.#running++;
    try {
      return await body();
    } finally {
      this.#running--;
      if (this.#running === 0) for (const block of this.#released.splice(0)) this.free(block);
    }
  }

  async #run(
    { program, capacity, run, timing }: Loaded,
    inputs: ReadonlyMap<string, Block>,
    batch: number,
  ): Promise<Map<string, Value>> {
    const blocks = program.inputs.map((name) => inputs.get(name)!);
    const part = capacity === null ? 1 : batch / capacity;
    const isPart = part < 1;
    const given = isPart ? blocks.map((block, i) => this.#widened(block, program.inputBytes[i])) : blocks;
    const outputs: Block[] = [];
    let end: (() => void) | undefined;
    try {
      for (const [, spec] of program.outputs) outputs.push(this.#allocate(spec));
      const addresses = [...given, ...outputs].map(({ address }) => address);
      await run(() => {
        end = timing?.start(part);
        this.#heap.views.i32.set([...addresses, Math.ceil(batch / 4)], program.table / 4);
      }, program.iterations * part);
    } catch (error) {
      for (const block of outputs) this.free(block);
      throw error;
    } finally {
      given.forEach((block, i) => {
        if (block !== blocks[i]) this.free(block);
      });
    }
    end?.();
    return new Map(
      program.outputs.map(([name, { shape, dtype }, rows], i) => {
        const spec = { shape: isPart && rows ? [batch, ...shape.slice(1)] : shape, dtype };
        return [name, this.values.add(spec, isPart ? this.#narrowed(outputs[i], spec) : outputs[i])];
      }),
    );
  }

  /** Copies a block into a larger one; returns it unchanged if it is large enough. */
  #widened(block: Block, bytes: number): Block {
    if (bytes === block.bytes) return block;
    const address = this.#heap.allocate(bytes);
    this.#heap.views.u8.copyWithin(address, block.address, block.address + block.bytes);
    return { address, bytes };
  }

  /** A copy of a block's beginning in one of a value's size. */
  #narrowed(block: Block, spec: Spec): Block {
    const own = this.#allocate(spec);
    this.#heap.views.u8.copyWithin(own.address, block.address, block.address + own.bytes);
    this.free(block);
    return own;
  }

  #allocate({ shape, dtype }: Spec): Block {
    const bytes = sizeOf(shape) * elementBytes(dtype);
    return { address: this.#heap.allocate(bytes), bytes };
  }

  #elements({ address }: Block, dtype: DType, size: number): TypedArray {
    const { f32, i32, u8 } = this.#heap.views;
    if (elementBytes(dtype) === 1) return u8.subarray(address, address + size);
    return (dtype === 'float32' ? f32 : i32).subarray(address / 4, address / 4 + size);
  }
}
