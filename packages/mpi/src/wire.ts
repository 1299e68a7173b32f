// What ranks send each other of their parts of reductions, and how such parts become one. All ranks know the shares of all, so
// messages have no header: who sends how much is the same computation everywhere.

import {
  addSubtotal,
  evenParts,
  type PartialResult,
  type Reduction,
  type Share,
  type Subtotal,
  sizeOf,
  totalOf,
} from '@bn/core';

/** From so many numbers on, each rank puts a slice of a sum together, for all; shorter ones it puts together whole, in one go. */
const longFrom = 8192;

/** A subtotal without what it is of. */
interface Place {
  readonly first: number;
  readonly count: number;
  readonly examples: number;
}

/** The subtotals that a rank has. */
function placesOf({ first, shards }: Share): Place[] {
  // As any reduction is put together, without its numbers.
  const counting: Reduction = {
    kind: 'first',
    level: 0,
    parts: [],
    results: [],
    spec: { shape: [0], dtype: 'float32' },
    valuesPerExample: 1,
  };
  const subtotals = shards.reduce<Subtotal[]>(
    (before, { size }, i) =>
      addSubtotal(counting, before, { first: first + i, count: 1, partial: { examples: size, arrays: [] } }),
    [],
  );
  return subtotals.map(({ partial, ...place }) => ({ ...place, examples: partial.examples }));
}

/** Numbers of one subtotal. */
function lengthOf({ kind, spec }: Reduction, { examples }: Place, allExamples: number): number {
  const size = sizeOf(spec.shape);
  if (kind === 'rows') return (size / allExamples) * examples;
  return kind === 'moments' ? 2 * size : size;
}

/** Some reductions of one batch, of which each rank has subtotals. */
export class Exchange {
  readonly #reductions: readonly Reduction[];
  /** Indices of those that are put together by all, and of those that are put together in slices. */
  readonly #short: readonly number[];
  readonly #long: readonly number[];
  /** Of each rank. */
  readonly #places: readonly (readonly Place[])[];
  readonly #examples: number;
  /** Numbers of all long sums. */
  readonly longLength: number;
  /** Whether parts of long sums are float32 numbers, as each shard's are. */
  readonly #isSingle: boolean;

  constructor(reductions: readonly Reduction[], shares: readonly Share[]) {
    this.#reductions = reductions;
    this.#places = shares.map(placesOf);
    const indices = [...reductions.keys()];
    const isLong = (i: number) => {
      const { kind, spec } = reductions[i]!;
      return kind === 'sum' && spec.dtype === 'float32' && sizeOf(spec.shape) >= longFrom;
    };
    this.#short = indices.filter((i) => !isLong(i));
    this.#long = indices.filter(isLong);
    this.#examples = this.#places.flat().reduce((sum, { examples }) => sum + examples, 0);
    this.longLength = this.#long.reduce((sum, i) => sum + sizeOf(reductions[i]!.spec.shape), 0);
    this.#isSingle = this.#places.flat().every(({ count }) => count === 1);
  }

  /** Numbers of each rank's short message: one says whether it wants to stop. */
  get shortLengths(): number[] {
    return this.#places.map((places) => {
      const lengths = this.#short.flatMap((i) =>
        places.map((place) => lengthOf(this.#reductions[i]!, place, this.#examples)),
      );
      return lengths.reduce((sum, n) => sum + n, 1);
    });
  }

  encodeShort(own: readonly (readonly Subtotal[])[], wantsStop: boolean): Float64Array {
    const arrays = this.#short.flatMap((i) => own[i]!.flatMap(({ partial }) => partial.arrays));
    const message = new Float64Array(1 + arrays.reduce((sum, { length }) => sum + length, 0));
    message[0] = wantsStop ? 1 : 0;
    let at = 1;
    for (const array of arrays) {
      message.set(array, at);
      at += array.length;
    }
    return message;
  }

  /** The short reductions, by index. @param messages of all ranks, whose arrays are used */
  mergeShort(messages: readonly Float64Array[]): Map<number, PartialResult> {
    const ends = messages.map(() => 1);
    return new Map(
      this.#short.map((i) => {
        const reduction = this.#reductions[i]!;
        let subtotals: Subtotal[] = [];
        for (const [rank, places] of this.#places.entries()) {
          for (const place of places) {
            const start = ends[rank]!;
            const end = start + lengthOf(reduction, place, this.#examples);
            ends[rank] = end;
            const numbers = messages[rank]!.subarray(start, end);
            subtotals = addSubtotal(reduction, subtotals, { ...place, partial: partialOf(reduction, place, numbers) });
          }
        }
        return [i, totalOf(reduction, subtotals)];
      }),
    );
  }

  /** Bytes that a rank sends of its long sums, to each rank: of each of its subtotals the slice that is that rank's. */
  longCounts(rank: number): number[] {
    const bytes = this.#places[rank]!.length * (this.#isSingle ? 4 : 8);
    return this.sliceLengths.map((length) => length * bytes);
  }

  /** Numbers of each rank's slice. */
  get sliceLengths(): number[] {
    const places = evenParts(this.longLength, this.#places.length);
    return places.slice(1).map((end, i) => end - places[i]!);
  }

  /** In the order of the ranks that get them. */
  encodeLong(own: readonly (readonly Subtotal[])[]): Uint8Array {
    const subtotals = own[this.#long[0]!]!.map((_, k) => {
      const vector = this.#numbers(this.longLength);
      let at = 0;
      for (const i of this.#long) {
        const [array] = own[i]![k]!.partial.arrays;
        vector.set(array!, at);
        at += array!.length;
      }
      return vector;
    });
    const message = this.#numbers(this.longLength * subtotals.length);
    let [from, to] = [0, 0];
    for (const length of this.sliceLengths) {
      for (const vector of subtotals) {
        message.set(vector.subarray(from, from + length), to);
        to += length;
      }
      from += length;
    }
    return new Uint8Array(message.buffer as ArrayBuffer);
  }

  /** Puts a slice together, and rounds it as values are. @param bytes that all ranks have sent */
  sumSlices(bytes: Uint8Array): Float32Array {
    const numbers = this.#isSingle ? new Float32Array(bytes.buffer) : new Float64Array(bytes.buffer);
    const places = this.#places.flat();
    const length = numbers.length / places.length;
    const reduction = this.#reductions[this.#long[0]!]!;
    const subtotals = places.reduce<Subtotal[]>((before, place, k) => {
      const part = Float64Array.from(numbers.subarray(k * length, (k + 1) * length));
      return addSubtotal(reduction, before, { ...place, partial: { examples: place.examples, arrays: [part] } });
    }, []);
    return Float32Array.from(totalOf(reduction, subtotals).arrays[0]!);
  }

  /** The long sums, by index. */
  decodeLong(sums: Float32Array): Map<number, PartialResult> {
    let at = 0;
    return new Map(
      this.#long.map((i) => {
        const start = at;
        at += sizeOf(this.#reductions[i]!.spec.shape);
        return [i, { examples: this.#examples, arrays: [Float64Array.from(sums.subarray(start, at))] }];
      }),
    );
  }

  #numbers(length: number): Float32Array | Float64Array {
    return this.#isSingle ? new Float32Array(length) : new Float64Array(length);
  }
}

function partialOf({ kind }: Reduction, { examples }: Place, numbers: Float64Array): PartialResult {
  if (kind !== 'moments') return { examples, arrays: [numbers] };
  const half = numbers.length / 2;
  return { examples, arrays: [numbers.subarray(0, half), numbers.subarray(half)] };
}
