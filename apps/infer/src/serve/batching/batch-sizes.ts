// The batch sizes that models are run with. Many backends compile, or choose algorithms, for each size that occurs: so
// there are few, and smaller batches are filled up.

/** 1, 2, 3, 4, 6, 8, 12, 16, 24, … up to `largest`: at most a third of a batch is filling. */
export function batchSizes(largest: number): number[] {
  const sizes = [];
  for (let size = 1; size < largest; size *= 2) {
    sizes.push(size);
    if (size >= 2 && size * 1.5 < largest) sizes.push(size * 1.5);
  }
  return [...sizes, largest];
}
