// The table of a backend's values: every backend needs one, and all answer misuse with the same words.

import type { Value } from './backend.js';
import { BnError } from './errors.js';
import type { Spec } from './spec.js';

/** Values of one backend, and what it keeps for each (an array, a device tensor, an address). */
export class ValueStore<Content> {
  readonly #contents = new Map<Value, Content>();
  readonly #free: (content: Content) => void;

  /** @param free gives a content's memory back; not needed where garbage collection does. */
  constructor(free: (content: Content) => void = () => {}) {
    this.#free = free;
  }

  /** Values that are not released yet. */
  get size(): number {
    return this.#contents.size;
  }

  add({ shape, dtype }: Spec, content: Content): Value {
    const value = { spec: { shape, dtype } };
    this.#contents.set(value, content);
    return value;
  }

  /** What is kept for a value; throws `argument` if it was released or belongs to another backend. */
  get(value: Value, what: string): Content {
    const content = this.#contents.get(value);
    if (content !== undefined) return content;
    throw new BnError('argument', `${what}: the value was released or belongs to another backend; upload it again`);
  }

  /** Forgets a value; twice is allowed. */
  release(value: Value): void {
    const content = this.#contents.get(value);
    if (content === undefined) return;
    this.#contents.delete(value);
    this.#free(content);
  }

  clear(): void {
    for (const value of [...this.#contents.keys()]) this.release(value);
  }
}
