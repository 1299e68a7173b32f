// The memory that all values and programs share, and its allocation.

import { BnError } from '@bn/core';
import { node } from './engine.js';

export const pageBytes = 65_536;
/** Below this address nothing is allocated: pointers in emitted loops may run a little below their buffers. */
export const firstAddress = 1_048_576;
/** After the last allocation, so that loads of whole vectors stay inside. */
export const slack = 4096;

export class Heap {
  readonly memory: WebAssembly.Memory;
  readonly maximum: number;
  readonly shared: boolean;
  /** Freed blocks by size: of those that were allocated, and those that neighbours were joined to. */
  readonly #free = new Map<number, number[]>();
  #end = firstAddress;
  #buffer: ArrayBuffer;
  #views: { f32: Float32Array; i32: Int32Array; u8: Uint8Array };

  constructor(shared: boolean) {
    this.shared = shared;
    ({ memory: this.memory, maximum: this.maximum } = reserveMemory(shared));
    this.#buffer = this.memory.buffer as ArrayBuffer;
    this.#views = viewsOf(this.#buffer);
  }

  /** Address of a block; multiples of 64 bytes. */
  allocate(bytes: number): number {
    const size = sizeClass(bytes);
    const reused = this.#free.get(size)?.pop() ?? this.#cut(size);
    if (reused !== undefined) return reused;
    const address = this.#end;
    this.#grow(address + size);
    this.#end = address + size;
    return address;
  }

  free(address: number, bytes: number): void {
    this.#keep(address, sizeClass(bytes));
  }

  #keep(address: number, size: number): void {
    const list = this.#free.get(size);
    if (list) list.push(address);
    else this.#free.set(size, [address]);
  }

  /** Where the memory would have to grow: a part of the smallest freed piece that has room, after neighbours were joined. */
  #cut(size: number): number | undefined {
    if (this.#end + size + slack <= this.memory.buffer.byteLength) return undefined;
    const blocks = [...this.#free].flatMap(([size, list]) => list.map((address) => ({ address, size })));
    const pieces: { address: number; size: number }[] = [];
    for (const { address, size } of blocks.sort((a, b) => a.address - b.address)) {
      const before = pieces.at(-1);
      if (before && before.address + before.size === address) before.size += size;
      else pieces.push({ address, size });
    }
    const last = pieces.at(-1);
    if (last && last.address + last.size === this.#end) {
      this.#end = last.address;
      pieces.pop();
    }
    const [best] = pieces.filter((piece) => piece.size >= size).sort((a, b) => a.size - b.size);
    this.#free.clear();
    for (const piece of pieces) {
      if (piece !== best) this.#keep(piece.address, piece.size);
      else if (piece.size > size) this.#keep(piece.address + size, piece.size - size);
    }
    return best?.address;
  }

  /** The memory as arrays; to be asked for anew after every allocation. */
  get views(): { readonly f32: Float32Array; readonly i32: Int32Array; readonly u8: Uint8Array } {
    return this.#views;
  }

  /** Makes the memory reach to `end`, if it does not. */
  #grow(end: number): void {
    const missing = end + slack - this.memory.buffer.byteLength;
    if (missing > 0) {
      try {
        // An eighth more than needed, so that growing is rare.
        const generous = Math.ceil((missing + end / 8) / pageBytes);
        const possible = this.maximum - this.memory.buffer.byteLength / pageBytes;
        this.memory.grow(Math.max(Math.min(generous, possible), Math.ceil(missing / pageBytes)));
      } catch (cause) {
        throw new BnError(
          'backend',
          `wasm: this needs ${end} bytes, more than this engine's memory holds; use a smaller batch`,
          { cause },
        );
      }
    }
    if (this.memory.buffer !== (this.#buffer as unknown)) {
      this.#buffer = this.memory.buffer as ArrayBuffer;
      this.#views = viewsOf(this.#buffer);
    }
  }
}

/** Growing a memory is possible up to a maximum, which engines reserve addresses for: as much as can be had. */
function reserveMemory(shared: boolean): { memory: WebAssembly.Memory; maximum: number } {
  for (const maximum of [65_536, 32_768, 16_384, 4096]) {
    try {
      return { memory: new WebAssembly.Memory({ initial: firstAddress / pageBytes + 1, maximum, shared }), maximum };
    } catch {
      // Not so much, then.
    }
  }
  const cure = node
    ? 'Node reserves 10 GB of addresses; start it with --disable-wasm-trap-handler, which needs less and computes more ' +
      'slowly, or raise the limit of addresses (ulimit -v unlimited)'
    : 'close other pages';
  throw new BnError('backend', `wasm cannot compute: memory could not be reserved; ${cure}`);
}

function viewsOf(buffer: ArrayBuffer) {
  return { f32: new Float32Array(buffer), i32: new Int32Array(buffer), u8: new Uint8Array(buffer) };
}

/** Multiples of 64 bytes, and of an eighth of the next power of two, so that blocks fit again. */
function sizeClass(bytes: number): number {
  const unit = Math.max(64, 2 ** Math.ceil(Math.log2(Math.max(bytes, 1))) / 8);
  return Math.ceil(Math.max(bytes, 1) / unit) * unit;
}
