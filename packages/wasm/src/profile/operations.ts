// The arithmetic of a nest: multiplications and additions of sums of products, which are what peaks are stated in.

import type { Index } from '../ir/index-form.js';
import { type Access, expressionsIn, type Guard, type Nest, type Statement } from '../ir/nest.js';

/** Multiplications and additions, without those that guards leave out; undefined for nests without sums of products. */
export function operationsOf({ outer, inner, statements }: Nest): number | undefined {
  const sums = statements.filter(isSumOfProducts);
  if (sums.length === 0) return undefined;
  const loops = [...outer, ...inner];
  const group = loops.find(({ kind }) => kind === 'group');
  const iterations = loops.reduce((product, loop) => product * (loop === group ? 1 : loop.extent), 1);
  // Of the last group only the lanes that hold something count.
  const groups = group ? group.extent - 1 + (group.lastLanes ?? 4) / 4 : 1;
  return sums.reduce((total, statement) => total + 2 * iterations * groups * shareOf(statement), 0);
}

function isSumOfProducts({ value, reduction, accumulates }: Statement): boolean {
  return value.kind === 'f32' && value.op === 'mul' && (reduction === 'sum' || (reduction === null && !!accumulates));
}

/** The share of iterations in which all guards hold. Guards stand on axes of an image, whose loops differ. */
function shareOf({ value, target }: Statement): number {
  const guards = new Map<string, Guard>();
  const accesses: Access[] = [target];
  for (const node of expressionsIn(value)) if ('access' in node) accesses.push(node.access);
  for (const guard of accesses.flatMap(({ guards }) => guards)) guards.set(`${guard.index}<${guard.size}`, guard);
  return [...guards.values()].reduce((share, { index, size }) => share * shareWithin(index, size), 1);
}

function shareWithin({ constant, terms }: Index, size: number): number {
  let values = [constant];
  for (const { loop, coefficient } of terms) {
    values = values.flatMap((value) => Array.from({ length: loop.extent }, (_, i) => value + coefficient * i));
  }
  return values.filter((value) => value >= 0 && value < size).length / values.length;
}
