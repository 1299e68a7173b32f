// What ranks make of each other's messages is what one process makes of all parts.

import {
  addSubtotal,
  createGenerator,
  type PartialResult,
  type Reduction,
  type Share,
  type Subtotal,
  sharesOf,
  sizeOf,
  totalOf,
} from '@bn/core';
import { expect, test } from 'vitest';
import { Exchange } from '../src/wire.js';

const examples = 10;
const reduction = (kind: Reduction['kind'], shape: number[], dtype: 'float32' | 'int32' = 'float32'): Reduction => ({
  ...{ kind, level: 0, parts: [], results: [], spec: { shape, dtype }, valuesPerExample: kind === 'moments' ? 4 : 1 },
});
const reductions = [
  reduction('sum', [3]),
  reduction('sum', [], 'int32'),
  reduction('moments', [2]),
  reduction('max', [2]),
  reduction('first', [2]),
  reduction('rows', [examples, 3]),
  // Long ones, which ranks put together in slices that are not equal.
  reduction('sum', [8193]),
  reduction('sum', [2, 5000]),
  reduction('mean', [9000]),
];

const random = createGenerator(7);
/** Numbers as a shard has them: in single precision. */
const numbers = (length: number) => Float64Array.from({ length }, () => Math.fround(random.uniform() - 0.3));

function partOf({ kind, spec }: Reduction, size: number): PartialResult {
  const length = kind === 'rows' ? (sizeOf(spec.shape) / examples) * size : sizeOf(spec.shape);
  return { examples: size, arrays: Array.from({ length: kind === 'moments' ? 2 : 1 }, () => numbers(length)) };
}

/** What ranks have: their shards' parts, put together as far as they may. */
function ownOf(shares: readonly Share[], parts: readonly (readonly PartialResult[])[], rank: number): Subtotal[][] {
  const { first, shards } = shares[rank]!;
  return reductions.map((one, i) => {
    const subtotals = shards.map((_, k) => ({ first: first + k, count: 1, partial: copyOf(parts[i]![first + k]!) }));
    return subtotals.reduce<Subtotal[]>((before, next) => addSubtotal(one, before, next), []);
  });
}

/** Merging uses the arrays that it is given. */
const copyOf = ({ examples: size, arrays }: PartialResult): PartialResult => ({
  examples: size,
  arrays: arrays.map((array) => array.slice()),
});

const single = (values: Float64Array) => Float64Array.from(values, Math.fround);

test.each([
  [1, undefined],
  [3, undefined],
  [12, undefined],
  [2, 3],
  [3, 1],
  [4, 10],
])('%d ranks, in parts of %s: the same as one process, to the bit', (ranks, most) => {
  const shares = sharesOf(examples, most, ranks);
  const sizes = shares.flatMap(({ shards }) => shards.map(({ size }) => size));
  const parts = reductions.map((one) => sizes.map((size) => partOf(one, size)));
  const [alone] = [{ first: 0, shards: shares.flatMap(({ shards }) => shards) }];
  const expected = ownOf([alone!], parts, 0).map((subtotals, i) => totalOf(reductions[i]!, subtotals));

  const exchange = new Exchange(reductions, shares);
  const own = shares.map((_, rank) => ownOf(shares, parts, rank));
  const messages = own.map((one, rank) => exchange.encodeShort(one, rank === 1));
  expect(messages.map(({ length }) => length)).toEqual(exchange.shortLengths);
  expect(messages.map(([wantsStop]) => wantsStop)).toEqual(shares.map((_, rank) => (rank === 1 ? 1 : 0)));

  const sent = own.map((one) => exchange.encodeLong(one));
  const slices = shares.map((_, to) => {
    const pieces = sent.map((bytes, from) => {
      const counts = exchange.longCounts(from);
      const start = counts.slice(0, to).reduce((sum, n) => sum + n, 0);
      return bytes.slice(start, start + counts[to]!);
    });
    return exchange.sumSlices(Uint8Array.from(pieces.flatMap((piece) => [...piece])));
  });
  const long = exchange.decodeLong(Float32Array.from(slices.flatMap((slice) => [...slice])));
  const merged = new Map([...exchange.mergeShort(messages), ...long]);
  expected.forEach(({ examples: count, arrays }, i) => {
    const isLong = long.has(i);
    expect(merged.get(i), `reduction ${i}`).toEqual({ examples: count, arrays: isLong ? arrays.map(single) : arrays });
  });
  expect([...long.keys()]).toEqual([6, 7]);
});
