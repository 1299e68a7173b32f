// The programs of one executable by batch size: made when a size first occurs, and the one used longest ago given up
// when there are too many.

/** Programs of one executable that are kept. Each is some tens to hundreds of kilobytes, and some tens of ms to make. */
const mostKept = 16;

export class Programs<Loaded extends { free(): Promise<void> }> {
  readonly #load: (batch: number) => Promise<Loaded>;
  /** The one used last comes last. */
  readonly #kept = new Map<number, Loaded | Promise<Loaded>>();

  constructor(load: (batch: number) => Promise<Loaded>) {
    this.#load = load;
  }

  /** The program for a batch size: at once, if it is there. */
  get(batch: number): Loaded | Promise<Loaded> {
    const known = this.#kept.get(batch);
    if (!known) return this.#make(batch);
    this.#kept.delete(batch);
    this.#kept.set(batch, known);
    return known;
  }

  async free(): Promise<void> {
    await Promise.all([...this.#kept.keys()].map((batch) => this.#free(batch)));
  }

  async #make(batch: number): Promise<Loaded> {
    const loading = this.#load(batch);
    this.#kept.set(batch, loading);
    try {
      const loaded = await loading;
      if (this.#kept.has(batch)) this.#kept.set(batch, loaded);
      while (this.#kept.size > mostKept) await this.#free(this.#kept.keys().next().value!);
      return loaded;
    } catch (error) {
      this.#kept.delete(batch);
      throw error;
    }
  }

  async #free(batch: number): Promise<void> {
    const loading = this.#kept.get(batch)!;
    this.#kept.delete(batch);
    await (await loading).free();
  }
}

/**
 * The batch size that a program is made for where rows do not depend on each other: 16, 64, 256 …, which also do for
 * fewer; below four the size itself, with lanes elsewhere.
 */
export function capacityFor(batch: number): number {
  let capacity = batch < 4 ? batch : 16;
  while (capacity < batch) capacity *= 4;
  return capacity;
}
