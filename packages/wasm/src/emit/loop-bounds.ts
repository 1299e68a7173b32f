// Bounds that guards give a loop: instead of testing every iteration, the loop runs over those that pass.

import type { Loop } from '../ir/index-form.js';
import type { Guard } from '../ir/nest.js';
import type { Addressing } from './addressing.js';
import { type Code, i32, scalar } from './code.js';

export interface Bounds {
  /** Locals: the first iteration, and how many there are (perhaps less than one). */
  readonly first: number;
  readonly count: number;
  /** The guards that hold within. */
  readonly keys: readonly string[];
}

/**
 * Emits the computation of bounds from the guards 0 ≤ ±loop + rest < size whose rest is known where the loop starts.
 * Null if there are none.
 */
export function loopBounds(
  code: Code,
  addressing: Addressing,
  loop: Loop,
  guards: readonly Guard[],
  open: ReadonlySet<Loop>,
): Bounds | null {
  const usable = guards.filter(
    ({ index }) =>
      Math.abs(index.coefficient(loop)) === 1 && index.terms.every((term) => term.loop === loop || open.has(term.loop)),
  );
  const distinct = new Map(usable.map((guard) => [`${guard.index}<${guard.size}`, guard]));
  if (distinct.size === 0) return null;
  const [first, end] = [code.local(i32), code.local(i32)];
  code.constant(0);
  code.set(first);
  code.constant(loop.extent);
  code.set(end);
  for (const { index, size } of distinct.values()) {
    const rest = index.without(loop);
    const up = index.coefficient(loop) === 1;
    // loop ≥ −rest and loop < size − rest, or loop > rest − size and loop ≤ rest.
    keepLarger(code, addressing, first, up ? rest.times(-1) : rest.plus(1 - size));
    keepSmaller(code, addressing, end, up ? rest.times(-1).plus(size) : rest.plus(1));
  }
  const count = code.local(i32);
  code.get(end);
  code.get(first);
  code.scalar(scalar.sub);
  code.set(count);
  return { first, count, keys: [...distinct.keys()] };
}

function keepLarger(code: Code, addressing: Addressing, local: number, index: Guard['index']): void {
  keep(code, addressing, local, index, scalar.gtS);
}

function keepSmaller(code: Code, addressing: Addressing, local: number, index: Guard['index']): void {
  keep(code, addressing, local, index, scalar.ltS);
}

function keep(code: Code, addressing: Addressing, local: number, index: Guard['index'], comparison: number): void {
  const value = code.local(i32);
  addressing.pushValue(index);
  code.tee(value);
  code.get(local);
  code.get(value);
  code.get(local);
  code.scalar(comparison);
  code.scalar(scalar.select);
  code.set(local);
}
