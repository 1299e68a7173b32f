// Sums of products of two reads: what register tiles are made for.

import type { Access, Statement } from './nest.js';

/** Vector registers that operands and sums share: sixteen, less one for what instructions need. */
export const registers = 15;

/** The two reads of a sum of products; null if it is something else. */
export function productReads({ value, reduction }: Statement): readonly [Access, Access] | null {
  if (reduction !== 'sum' || value.op !== 'mul' || value.kind !== 'f32') return null;
  const [a, b] = value.operands;
  return a.op === 'read' && b.op === 'read' ? [a.access, b.access] : null;
}
