// Constants, as the weights of a network that predicts, are in memory once, however many programs (batch sizes, executables) read them.

import type { Constant } from '../ir/constant.js';
import type { Heap } from './heap.js';

interface Held {
  readonly address: number;
  readonly bytes: number;
  /** Programs that read it. */
  users: number;
}

export class SharedConstants {
  readonly #heap: Heap;
  /** By the array that a constant is made from, which is not changed, and is not kept alive by this. */
  readonly #held = new WeakMap<Constant, Held>();

  constructor(heap: Heap) {
    this.#heap = heap;
  }

  /**
   * Where these float32 numbers are, for one program more, which has to write them if they are new there; `leave` when
   * that is done with them.
   */
  hold(
    words: Constant,
    bytes: number,
  ): { readonly address: number; readonly isNew: boolean; readonly leave: () => void } {
    const known = this.#held.get(words);
    const isNew = !known || known.users === 0;
    const held = isNew ? { address: this.#heap.allocate(bytes), bytes, users: 0 } : known;
    this.#held.set(words, held);
    held.users++;
    const leave = () => {
      held.users--;
      if (held.users === 0) this.#heap.free(held.address, held.bytes);
    };
    return { address: held.address, isNew, leave };
  }
}
