// How a batch is shared out: into shards, which are computed one at a time, and these among processes.

/** Some of the examples of a batch. */
export interface Shard {
  readonly start: number;
  readonly size: number;
}

/** What one process computes of a batch. */
export interface Share {
  /** Number of its first shard in the batch. */
  readonly first: number;
  /** None for a process that has nothing to do. */
  readonly shards: readonly Shard[];
}

/**
 * The share of each process, in the order of the examples. Shards are as even as can be. With `most`, where they begin does not
 * depend on the processes.
 *
 * @param most examples that a shard has at most; without, each process has one shard, of two examples at least
 */
export function sharesOf(examples: number, most: number | undefined, processes: number): Share[] {
  // One example has no variance.
  const pairs = Math.max(1, Math.floor(examples / 2));
  const parts = most === undefined ? Math.min(processes, pairs) : Math.ceil(examples / most);
  const shards = between(evenParts(examples, parts));
  return between(evenParts(shards.length, processes)).map(({ start, size }) => ({
    first: start,
    shards: shards.slice(start, start + size),
  }));
}

function between(places: readonly number[]): Shard[] {
  return places.slice(1).map((end, i) => ({ start: places[i]!, size: end - places[i]! }));
}

/** Where parts of `length` things begin that are as even as can be, and where the last one ends. */
export function evenParts(length: number, parts: number): number[] {
  return Array.from({ length: parts + 1 }, (_, i) => Math.floor((length * i) / parts));
}
