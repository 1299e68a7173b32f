// How differences are measured and judged.

import { describe, expect, test } from 'vitest';
import { difference } from '../src/parity/difference.js';
import { type Difference, judge } from '../src/parity/record.js';

describe('a difference', () => {
  test('is relative to the largest magnitude in the tensor, not to each element', () => {
    expect(difference([2, 0.001], [2, 0])).toBeCloseTo(0.0005, 12);
    expect(difference([-4, 1], [-4, 1])).toBe(0);
  });

  test('does not explode where the reference is zero but for rounding: 1e-5 is what the tolerance allows', () => {
    expect(difference([1e-5, 0], [1e-17, -1e-17])).toBeCloseTo(1e-4, 12);
    expect(difference([1e-7], [2e-7])).toBeCloseTo(0.1, 12);
  });

  test('is infinite for what is not finite, but for infinities that are expected', () => {
    expect(difference([Number.NaN, 1], [1, 1])).toBe(Number.POSITIVE_INFINITY);
    expect(difference([Number.NEGATIVE_INFINITY, 1], [Number.NEGATIVE_INFINITY, 1])).toBe(0);
  });
});

describe('the first departure', () => {
  const found = (kind: Difference['kind'], layer: string, step: number, difference: number): Difference => ({
    ...{ kind, layer, name: `${layer}.${kind}`, step, difference },
  });
  const first = (...apart: Difference[]) => {
    const fine = ['one', 'two'].flatMap((layer) => [found('activation', layer, 1, 0), found('gradient', layer, 1, 0)]);
    return judge({ label: 'x', device: 'cpu', differences: [...fine, ...apart], losses: [1] }, [1]).stepwise.departure;
  };

  test('is the earliest in the order of computation: steps, forward, loss, backward, update', () => {
    expect(first()).toBeNull();
    expect(first(found('activation', 'one', 2, 1), found('activation', 'two', 1, 1))).toMatchObject({ step: 1 });
    expect(first(found('gradient', 'one', 1, 9), found('gradient', 'two', 1, 1))).toMatchObject({ layer: 'two' });
    expect(first(found('parameter', 'one', 1, 9), found('loss', '', 1, 1))).toMatchObject({ kind: 'loss' });
    expect(first(found('loss', '', 1, 9), found('state', 'two', 1, 1))).toMatchObject({ kind: 'state' });
  });

  test('of the losses is told besides', () => {
    const record = { label: 'x', device: 'cpu', differences: [found('loss', '', 1, 0)], losses: [1, 1.1, Number.NaN] };
    const { freeRunning, agrees } = judge(record, [1, 1, 1]);
    expect(agrees).toBe(false);
    expect(freeRunning.departure).toMatchObject({ step: 2 });
    expect(freeRunning.largest).toEqual({ step: 3, difference: Number.POSITIVE_INFINITY });
  });
});
