// Sums of products with a constant, as of a convolution with a known filter: the constant is written in the order in which
// the loops read it, and results that share the other operand get the lanes.

import { type Constant, Derived, derivedOnce, numbersOf } from '../ir/constant.js';
import { Index, iterationsOf, type Loop } from '../ir/index-form.js';
import { type Access, type Buffer, type Nest, productReads, temporary, withLoops } from '../ir/nest.js';

/** Elements that stay in a first-level cache beside others. */
const cached = 8192;

/** Packs constants of nests without an axis in lanes. */
export function packConstants(nests: readonly Nest[]): Nest[] {
  return nests.map((nest) => {
    const reads = nest.statements.length === 1 ? productReads(nest.statements[0]) : null;
    if (!reads || [...nest.outer, ...nest.inner].some(({ kind }) => kind)) return nest;
    const [filter, other] = isConstant(reads[0].buffer) ? reads : [reads[1], reads[0]];
    return isConstant(filter.buffer) && isPlain(filter) ? pack(nest, filter, other) : nest;
  });
}

function isConstant({ source, elementBytes }: Buffer): boolean {
  return source !== null && 'constant' in source && elementBytes === 4;
}

/** Whether different iterations read different elements. */
function isPlain({ index, guards }: Access): boolean {
  const terms = [...index.terms].sort((a, b) => a.coefficient - b.coefficient);
  let next = 1;
  for (const { loop, coefficient } of terms) {
    if (coefficient < next) return false;
    next = coefficient * loop.extent;
  }
  return guards.length === 0;
}

function pack(nest: Nest, filter: Access, other: Access): Nest {
  const [{ target }] = nest.statements;
  const isMine = (loop: Loop) => filter.index.coefficient(loop) !== 0;
  const vector = nest.outer.find(
    (loop) =>
      isMine(loop) &&
      loop.extent >= 4 &&
      target.index.coefficient(loop) === 1 &&
      [0, 1].includes(other.index.coefficient(loop)),
  );
  if (!vector) return nest;
  const isWhole = vector.extent % 4 === 0;
  const lane: Loop = { name: 'l', extent: 4, kind: 'lane' };
  const vectors: Loop = isWhole ? { name: vector.name, extent: vector.extent / 4 } : vector;
  const replacements = new Map(isWhole ? [[vector, Index.of(vectors).times(4).plus(Index.of(lane))]] : []);
  const [statement] = withLoops(nest.statements, replacements);
  const others = nest.outer.filter((loop) => loop !== vector);
  const inner = nest.inner.filter(isMine);
  const order = isWhole
    ? [...others.filter(isMine), vectors, ...inner, lane]
    : [...others.filter(isMine), ...inner, vectors];
  const index = filter.index.substitute(replacements);
  const packed = packedAccess(filter.buffer, index, order);
  const [a, b] = productReads(statement)!;
  const read = (access: Access) => ({ op: 'read', kind: 'f32', access }) as const;
  const isFilter = (access: Access) => access.buffer === filter.buffer;
  const operands = [read(isFilter(a) ? packed : a), read(isFilter(a) ? b : packed)];
  // What all results read stays in cache while the other operand passes by.
  const isLarge = iterationsOf(order) > cached;
  const outer = isLarge ? [vectors, ...others] : [...others, vectors];
  return {
    ...nest,
    outer: isWhole ? [...outer, lane] : outer,
    statements: [{ ...statement, value: { op: 'mul', kind: 'f32', operands } }],
  };
}

/** A copy of a constant in the order of these loops. */
function packedAccess(buffer: Buffer, index: Index, order: readonly Loop[]): Access {
  const { constant } = buffer.source as { readonly constant: Constant };
  const axes = order.map((loop) => ({ extent: loop.extent, stride: index.coefficient(loop) }));
  const key = JSON.stringify([index.constant, axes]);
  const data = derivedOnce(constant, key, () => packed(constant, index.constant, axes));
  let [at, stride] = [new Index(0), 1];
  for (const loop of [...order].reverse()) {
    at = at.plus(Index.of(loop).times(stride));
    stride *= loop.extent;
  }
  const copy = temporary(`${buffer.name} packed`, [data.length]);
  return { buffer: { ...copy, source: { constant: data } }, index: at, guards: [] };
}

interface Axis {
  readonly extent: number;
  /** Elements of the original between neighbours. */
  readonly stride: number;
}

function packed(constant: Constant, first: number, axes: readonly Axis[]): Derived {
  const length = axes.reduce((product, { extent }) => product * extent, 1);
  return new Derived(length, (to) => {
    const from = numbersOf(constant);
    let next = 0;
    const copy = (depth: number, at: number): void => {
      const { extent, stride } = axes[depth];
      if (depth < axes.length - 1) for (let i = 0; i < extent; i++) copy(depth + 1, at + i * stride);
      else for (let i = 0; i < extent; i++) to[next++] = from[at + i * stride];
    };
    copy(0, first);
  });
}
