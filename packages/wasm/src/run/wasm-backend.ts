// The backend proper: values are blocks of one WebAssembly memory, executables are modules that compute on it.

import {
  type Backend,
  BnError,
  checkInputs,
  checkUpload,
  createArray,
  type Device,
  type DType,
  type Executable,
  type Graph,
  type Spec,
  sizeOf,
  type TypedArray,
  type Value,
  ValueStore,
} from '@bn/core';
import { compile, type Program } from '../compile.js';
import type { Passes } from '../passes.js';
import type { Heap } from './heap.js';
import type { Team } from './team.js';

interface Block {
  readonly address: number;
  readonly bytes: number;
}

/** A program and its module. */
interface Loaded {
  readonly program: Program;
  readonly run: (prepare: () => void) => Promise<void>;
  readonly free: () => Promise<void>;
}

export interface WasmOptions {
  readonly relaxed: boolean;
  readonly passes: Passes;
}

export class WasmBackend implements Backend {
  readonly name = 'wasm';
  readonly device: Device;
  readonly #heap: Heap;
  readonly #team: Team;
  readonly #options: WasmOptions;
  readonly #values: ValueStore<Block>;
  readonly #executables = new Set<Executable>();
  /** Scratch memory, which all programs use one after the other. */
  #scratch: Block = { address: 0, bytes: 0 };
  /** Runs under way, and what was released meanwhile: they may still read it. */
  #running = 0;
  #released: Block[] = [];
  #disposed = false;

  constructor(device: Device, heap: Heap, team: Team, options: WasmOptions) {
    this.device = device;
    this.#heap = heap;
    this.#team = team;
    this.#options = options;
    this.#values = new ValueStore((block) => this.#free(block));
  }

  get liveValues(): number {
    return this.#values.size;
  }

  async compile(graph: Graph): Promise<Executable> {
    this.#requireUndisposed();
    const loaded = new Map<number, Loaded | Promise<Loaded>>();
    const load = (batch: number) => {
      const known = loaded.get(batch);
      if (known) return known;
      const loading = this.#load(graph, batch);
      loaded.set(batch, loading);
      loading.then(
        (made) => loaded.set(batch, made),
        () => loaded.delete(batch),
      );
      return loading;
    };
    // A symbolic batch is known at the first run: one program for each size that occurs.
    const isSymbolic = [...graph.inputs.values()].some(({ shape }) => shape.includes(null));
    await load(1);
    let disposed = false;
    const executable: Executable = {
      run: async (inputs) => {
        this.#requireUndisposed();
        if (disposed) throw new BnError('backend', 'run: the executable was disposed; compile the graph again');
        const batch = checkInputs(graph, inputs);
        // Without a wait where there need not be one: the caller may release inputs as soon as this returns.
        const made = load(isSymbolic ? batch : 1);
        return this.#run(made instanceof Promise ? await made : made, inputs);
      },
      dispose: async () => {
        disposed = true;
        await Promise.all([...loaded.values()].map(async (made) => (await made).free()));
        loaded.clear();
        this.#executables.delete(executable);
      },
    };
    this.#executables.add(executable);
    return executable;
  }

  upload(data: TypedArray, spec: Spec): Value {
    this.#requireUndisposed();
    checkUpload(data, spec);
    const block = this.#allocate(spec);
    this.#elements(block, spec.dtype, data.length).set(data);
    return this.#values.add(spec, block);
  }

  async download(value: Value): Promise<TypedArray> {
    this.#requireUndisposed();
    const { shape, dtype } = value.spec;
    const size = sizeOf(shape);
    const copy = createArray(dtype, size);
    copy.set(this.#elements(this.#values.get(value, 'download'), dtype, size));
    return copy;
  }

  release(value: Value): void {
    this.#values.release(value);
  }

  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const executable of [...this.#executables]) await executable.dispose();
    this.#values.clear();
    this.#team.dispose();
  }

  async #load(graph: Graph, batch: number): Promise<Loaded> {
    const { relaxed, passes } = this.#options;
    const { maximum, shared } = this.#heap;
    const program = compile(graph, batch, {
      ...{ relaxed, passes, threads: this.#team.threads },
      memory: { maximum, shared },
      reserve: (kind, bytes) => (kind === 'own' ? this.#heap.allocate(bytes) : this.#scratchOf(bytes)),
    });
    const { f32, i32 } = this.#heap.views;
    for (const { address, words, isFloat } of program.data) (isFloat ? f32 : i32).set(words, address / 4);
    const handle = await this.#team.load(program);
    return {
      program,
      run: (prepare) => this.#team.run(handle, prepare),
      free: async () => {
        await this.#team.unload(handle);
        this.#heap.free(program.table, program.ownBytes);
      },
    };
  }

  /** Programs keep the addresses they were compiled for, so that scratch memory stays where it is, and larger is new. */
  #scratchOf(bytes: number): number {
    if (bytes > this.#scratch.bytes) this.#scratch = { address: this.#heap.allocate(bytes), bytes };
    return this.#scratch.address;
  }

  async #run({ program, run }: Loaded, inputs: ReadonlyMap<string, Value>): Promise<Map<string, Value>> {
    const addresses = program.inputs.map((name) => this.#values.get(inputs.get(name)!, `input '${name}'`).address);
    const outputs = program.outputs.map(([name, spec]) => [name, spec, this.#allocate(spec)] as const);
    this.#running++;
    try {
      await run(() => {
        this.#heap.views.i32.set([...addresses, ...outputs.map(([, , { address }]) => address)], program.table / 4);
      });
    } finally {
      this.#running--;
      if (this.#running === 0) for (const block of this.#released.splice(0)) this.#free(block);
    }
    return new Map(outputs.map(([name, spec, block]) => [name, this.#values.add(spec, block)]));
  }

  #free(block: Block): void {
    if (this.#running > 0) this.#released.push(block);
    else this.#heap.free(block.address, block.bytes);
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

  #requireUndisposed(): void {
    if (this.#disposed) throw new BnError('backend', 'the wasm backend was disposed; create a new one');
  }
}

function elementBytes(dtype: DType): 1 | 4 {
  return dtype === 'uint8' || dtype === 'bool' ? 1 : 4;
}
