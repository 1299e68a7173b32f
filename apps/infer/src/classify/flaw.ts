// What is wrong with an answer, whatever it was about.

import type { OutputSignature } from '@bn/core';

/** A sentence; null if nothing is. */
export function flawOf(row: Float32Array, { name, kind }: OutputSignature): string | null {
  const odd = row.find((value) => !Number.isFinite(value));
  if (odd !== undefined)
    return `the output '${name}' gives ${odd}: the model's weights, or its pixels, are out of range`;
  if (kind === 'values') return null;
  const outside = row.find((value) => value < -0.001 || value > 1.001);
  if (outside === undefined) return null;
  return `the output '${name}' gives ${outside}, but ${kind} are from 0 to 1; give another kind by --gives`;
}
