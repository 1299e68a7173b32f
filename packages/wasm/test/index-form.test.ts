// Affine indices against the numbers they stand for.

import { createGenerator } from '@bn/core';
import { expect, test } from 'vitest';
import { Index, type Loop } from '../src/ir/index-form.js';

const random = createGenerator(17);
const draw = (low: number, high: number) => low + random.integer(high - low + 1);

/** The value of an index for given iterations. */
function evaluate(index: Index, at: ReadonlyMap<Loop, number>): number {
  return index.terms.reduce((sum, { loop, coefficient }) => sum + coefficient * at.get(loop)!, index.constant);
}

function* iterations(loops: readonly Loop[]): Generator<Map<Loop, number>> {
  const [first, ...rest] = loops;
  if (!first) yield new Map();
  else {
    for (const others of iterations(rest)) {
      for (let i = 0; i < first.extent; i++) yield new Map(others).set(first, i);
    }
  }
}

test('quotients, remainders, ranges and substitutions are right wherever they are given', () => {
  let divided = 0;
  for (let trial = 0; trial < 300; trial++) {
    const loops = Array.from({ length: draw(1, 3) }, (_, i): Loop => ({ name: `i${i}`, extent: draw(1, 5) }));
    const divisor = draw(1, 6);
    const factors = loops.map(() => (draw(0, 1) === 0 ? draw(-3, 3) : divisor * draw(-1, 2)));
    const index = Index.sum(loops.map(Index.of), factors).plus(draw(-4, 9));
    const parts = index.divide(divisor);
    if (parts) divided++;
    const values: number[] = [];
    const outer: Loop = { name: 'o', extent: 3 };
    const moved = index.substitute(new Map([[loops[0], Index.of(outer).times(2).plus(1)]]));
    for (const at of iterations(loops)) {
      const value = evaluate(index, at);
      values.push(value);
      if (parts) {
        expect(evaluate(parts.quotient, at)).toBe(Math.floor(value / divisor));
        expect(evaluate(parts.remainder, at)).toBe(value - divisor * Math.floor(value / divisor));
      }
      const shifted = new Map(at).set(outer, 2).set(loops[0], 5);
      expect(evaluate(moved, shifted)).toBe(evaluate(index, shifted));
    }
    expect(index.range()).toEqual({ low: Math.min(...values), high: Math.max(...values) });
  }
  expect(divided).toBeGreaterThan(50);
});
