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

  /** The program for a batch size; a promise while it is made. */
  get(batch: number): Loaded | Promise<Loaded> {
    const known = this.#kept.get(batch) ?? this.#make(batch);
    this.#kept.delete(batch);
    this.#kept.set(batch, known);
    return known;
  }

  async free(): Promise<void> {
    await Promise.all([...this.#kept.keys()].map((batch) => this.#give(batch)));
  }

  async #make(batch: number): Promise<Loaded> {
    try {
      const made = await this.#load(batch);
      if (this.#kept.has(batch)) this.#kept.set(batch, made);
      if (this.#kept.size > mostKept) await this.#give(this.#kept.keys().next().value!);
      return made;
    } catch (error) {
      this.#kept.delete(batch);
      throw error;
    }
  }

  async #give(batch: number): Promise<void> {
    const known = this.#kept.get(batch)!;
    this.#kept.delete(batch);
    await (await known).free();
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
