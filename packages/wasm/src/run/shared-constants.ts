// Constants, as the weights of a network that predicts, are in memory once, however many programs (batch sizes, executables) read them.

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
  readonly #held = new WeakMap<ArrayLike<number>, Held>();

  constructor(heap: Heap) {
    this.#heap = heap;
  }

  /** Where these float32 numbers are, for one program more; `leave` when that is done with them. */
  hold(words: ArrayLike<number>, bytes: number): { readonly address: number; readonly leave: () => void } {
    const known = this.#held.get(words);
    const held = known && known.users > 0 ? known : this.#put(words, bytes);
    held.users++;
    const leave = () => {
      held.users--;
      if (held.users === 0) this.#heap.free(held.address, held.bytes);
    };
    return { address: held.address, leave };
  }

  #put(words: ArrayLike<number>, bytes: number): Held {
    const held: Held = { address: this.#heap.allocate(bytes), bytes, users: 0 };
    this.#heap.views.f32.set(words, held.address / 4);
    this.#held.set(words, held);
    return held;
  }
}
