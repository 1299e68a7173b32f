// Vector constants. V8 rebuilds a `v128.const` at each use, so they are kept in memory and loaded.

/** A growing table of four-lane constants that will stand at a fixed address. */
export class Constants {
  readonly #address: number;
  readonly #offsets = new Map<string, number>();
  /** Addresses of vectors of equal integers. */
  readonly #equal = new Map<number, number>();
  readonly #words: number[] = [];

  /** @param address where the table will be */
  constructor(address: number) {
    this.#address = address;
  }

  /** The table as 32-bit words. */
  get words(): readonly number[] {
    return this.#words;
  }

  /** Address of a vector of four equal floats. */
  float(value: number): number {
    return this.integer(bitsOf(value));
  }

  /** Address of a vector of four equal integers. */
  integer(value: number): number {
    let address = this.#equal.get(value);
    if (address === undefined) {
      address = this.lanes([value, value, value, value]);
      this.#equal.set(value, address);
    }
    return address;
  }

  lanes(words: readonly number[]): number {
    const key = words.join();
    let offset = this.#offsets.get(key);
    if (offset === undefined) {
      offset = this.#words.length * 4;
      this.#offsets.set(key, offset);
      this.#words.push(...words);
    }
    return this.#address + offset;
  }
}

const view = new DataView(new ArrayBuffer(4));

/** A float32's bits as a signed integer. */
function bitsOf(value: number): number {
  view.setFloat32(0, value);
  return view.getInt32(0);
}
