// Cases with the expected values written out.

import type { Tensor } from '@bn/core';
import type { HostValue } from './host-value.js';
import type { Computation } from './suite.js';
import type { Tolerances } from './tolerances.js';

/** `name` is `operation: what is special`. */
export interface LiteralCase extends Computation {
  readonly expected: HostValue;
}

type Row = readonly [inputs: readonly HostValue[], build: (...inputs: Tensor[]) => Tensor, expected: HostValue];

/** Cases of one family from rows of inputs, computation and expected value. */
export function literalCases(family: keyof Tolerances, rows: Readonly<Record<string, Row>>): LiteralCase[] {
  return Object.entries(rows).map(([name, [inputs, build, expected]]) => ({ name, family, inputs, build, expected }));
}
