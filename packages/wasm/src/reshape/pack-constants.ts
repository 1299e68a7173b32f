// Sums of products with a constant, as of a convolution with a known filter: the constant is written in the order in which
// the loops read it, and results that share the other operand get the lanes.

import { type Constant, Derived, derivedOnce, numbersOf } from '../ir/constant.js';
import { Index, iterationsOf, type Loop, type Term } from '../ir/index-form.js';
import { type Access, isConstant, type Nest, productReads, temporary, withLoops } from '../ir/nest.js';

/** Elements that stay in a first-level cache beside others. */
const cached = 8192;

/** Packs constants of nests without an axis in lanes. */
export function packConstants(nests: readonly Nest[]): Nest[] {
  return nests.map((nest) => {
    const reads = nest.statements.length === 1 ? productReads(nest.statements[0]) : null;
    if (!reads || [...nest.outer, ...nest.inner].some(({ kind }) => kind)) return nest;
    const [filter, other] = isConstant(reads[0].buffer) ? reads : [reads[1], reads[0]];
    return isConstant(filter.buffer) && filter.guards.length === 0 ? pack(nest, filter, other) : nest;
  });
}

function pack(nest: Nest, filter: Access, other: Access): Nest {
  const [{ target }] = nest.statements;
  const isAlone = (loop: Loop) => digitsOf(filter.index).some(({ loops }) => loops.length === 1 && loops[0] === loop);
  const vector = nest.outer.find(
    (loop) =>
      isAlone(loop) &&
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
  const [own, shared] = [others.filter(isAlone), others.filter((loop) => !isAlone(loop))];
  const order = isWhole ? [...own, vectors, ...nest.inner, lane] : [...own, ...nest.inner, vectors];
  const packed = packedAccess(filter, filter.index.substitute(replacements), order);
  if (!packed) return nest;
  const [a, b] = productReads(statement)!;
  const read = (access: Access) => ({ op: 'read', kind: 'f32', access }) as const;
  const isFilter = (access: Access) => access.buffer === filter.buffer;
  const operands = [read(isFilter(a) ? packed : a), read(isFilter(a) ? b : packed)];
  // A large constant passes by once, in its order; else what it is multiplied with does.
  const isLarge = iterationsOf([...own, vector, ...nest.inner]) > cached;
  const outer = isLarge ? [...own, vectors, ...shared] : [...others, vectors];
  return {
    ...nest,
    outer: isWhole ? [...outer, lane] : outer,
    statements: [{ ...statement, value: { op: 'mul', kind: 'f32', operands } }],
  };
}

/** Loops that move an index together: their terms overlap, as those of an element and of a window do. */
interface Digit {
  readonly loops: readonly Loop[];
  /** Σ terms = first + stride · index, and index < extent. */
  readonly first: number;
  readonly stride: number;
  readonly index: Index;
  readonly extent: number;
}

/** An index as a number of several digits. */
function digitsOf({ terms }: Index): Digit[] {
  const groups: Term[][] = [];
  let reach = 0;
  for (const term of [...terms].sort((a, b) => Math.abs(a.coefficient) - Math.abs(b.coefficient))) {
    const size = Math.abs(term.coefficient);
    if (size > reach) groups.push([term]);
    else groups.at(-1)!.push(term);
    reach += size * (term.loop.extent - 1);
  }
  return groups.map((group) => {
    const stride = group.reduce((divisor, { coefficient }) => commonDivisor(Math.abs(coefficient), divisor), 0);
    const { low, high } = new Index(0, group).range();
    const scaled = group.map(({ loop, coefficient }) => ({ loop, coefficient: coefficient / stride }));
    const index = new Index(-low / stride, scaled);
    return { loops: group.map(({ loop }) => loop), first: low, stride, index, extent: (high - low) / stride + 1 };
  });
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}

/** A copy of a constant in the order of these loops; null if it would be much larger. */
function packedAccess({ buffer }: Access, index: Index, order: readonly Loop[]): Access | null {
  const { constant } = buffer.source as { readonly constant: Constant };
  const digits = digitsOf(index).sort((a, b) => placeIn(order, a) - placeIn(order, b));
  const first = digits.reduce((sum, digit) => sum + digit.first, index.constant);
  const axes = digits.map(({ extent, stride }) => ({ extent, stride }));
  if (axes.reduce((product, { extent }) => product * extent, 1) > 2 * constant.length) return null;
  const data = derivedOnce(constant, JSON.stringify([first, axes]), () => packed(constant, first, axes));
  let [at, stride] = [new Index(0), 1];
  for (const digit of digits.reverse()) {
    at = at.plus(digit.index.times(stride));
    stride *= digit.extent;
  }
  const copy = temporary(`${buffer.name} packed`, [data.length]);
  return { buffer: { ...copy, source: { constant: data } }, index: at, guards: [] };
}

/** Where a digit's first loop stands. */
function placeIn(order: readonly Loop[], { loops }: Digit): number {
  return order.findIndex((loop) => loops.includes(loop));
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
