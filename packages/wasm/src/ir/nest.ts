// Loop nests: what is computed for every value of some loops, before anything is said about instructions.

import type { DType, Origin } from '@bn/core';
import type { Constant } from './constant.js';
import { Index, type Loop } from './index-form.js';

/** Whether a buffer's numbers are known at compilation, 32 bits each. */
export function isConstant({ source, elementBytes }: Buffer): boolean {
  return source !== null && 'constant' in source && elementBytes === 4;
}

/** Memory that holds one tensor. */
export interface Buffer {
  readonly name: string;
  readonly dtype: DType;
  /** Sizes of the tensor's axes. */
  readonly shape: readonly number[];
  /**
   * The axis whose elements lie in SIMD lanes: stored as [⌈size / 4⌉ groups][other axes, row-major][4 lanes]. Null:
   * row-major.
   */
  readonly laneAxis: number | null;
  /** Row-major but for axis 1, which comes last: channels of an image lie side by side. */
  readonly isChannelsLast?: boolean;
  /** For what lies within another tensor: that one's memory, and where in it, by axis. */
  readonly within?: { readonly buffer: Buffer; readonly shift: readonly number[] };
  /** Arguments are found through a table at run time; constants are written at compilation. */
  readonly source: { readonly argument: number } | { readonly constant: Constant } | null;
  /** uint8 and bool are bytes in arguments, and 32 bits wide inside. */
  readonly elementBytes: 1 | 4;
}

/** A place in a buffer, in elements, that depends on the loops. Where a guard does not hold there is nothing. */
export interface Access {
  readonly buffer: Buffer;
  readonly index: Index;
  readonly guards: readonly Guard[];
}

/** Holds where 0 ≤ index < size. */
export interface Guard {
  readonly index: Index;
  readonly size: number;
}

/** What the lanes of a value are: floats, 32-bit integers, or all ones and all zeros. */
export type Kind = 'f32' | 'i32' | 'mask';

export type UnaryOperation = 'neg' | 'exp' | 'log' | 'sqrt' | 'tanh' | 'sigmoid' | 'erf';
export type BinaryOperation = 'add' | 'sub' | 'mul' | 'div' | 'maximum' | 'minimum' | 'equal' | 'less';
/** Casts to what a dtype is in lanes. */
export type Conversion = 'toFloat' | 'toInteger' | 'toByte' | 'toMask';

export type Expression =
  | { readonly op: 'read'; readonly kind: Kind; readonly access: Access }
  /** Element `access` + `stride` · `at`, for an index that is itself computed. */
  | {
      readonly op: 'gather';
      readonly kind: Kind;
      readonly access: Access;
      readonly at: Expression;
      readonly stride: number;
    }
  | { readonly op: 'constant'; readonly kind: Kind; readonly value: number }
  /** The value of an index, as an integer. */
  | { readonly op: 'index'; readonly kind: 'i32'; readonly index: Index }
  /** What a statement has reduced to, in its `finish`. */
  | { readonly op: 'reduced'; readonly kind: Kind }
  | {
      readonly op: UnaryOperation | BinaryOperation | Conversion | 'where';
      readonly kind: Kind;
      readonly operands: readonly Expression[];
    };

/** target = finish(reduction of value over the loops that the target lacks). */
export interface Statement {
  readonly target: Access;
  readonly value: Expression;
  /** `argmax` gives the value of `position` where `value` is largest, the first time; −1 if no guard held. */
  readonly reduction: 'sum' | 'max' | 'argmax' | null;
  readonly position?: Index;
  readonly finish?: Expression;
  /** Adds to what the target holds. */
  readonly accumulates?: boolean;
}

export interface Nest {
  readonly name: string;
  /** Where in the network the operations come from that it computes, the main one first. */
  readonly origins: readonly Origin[];
  /** Loops that the targets have, outermost first. */
  readonly outer: readonly Loop[];
  /** Loops that are reduced over. */
  readonly inner: readonly Loop[];
  readonly statements: readonly Statement[];
}

export const kindOf = (dtype: DType): Kind => (dtype === 'float32' ? 'f32' : dtype === 'bool' ? 'mask' : 'i32');

/** Bytes of an element in arguments. */
export const elementBytes = (dtype: DType): 1 | 4 => (dtype === 'uint8' || dtype === 'bool' ? 1 : 4);

/** Elements between two groups of four lanes, or of the whole tensor if it is row-major. */
export function groupElements({ shape, laneAxis }: Buffer): number {
  const size = shape.reduce((product, n, axis) => (axis === laneAxis ? product : product * n), 1);
  if (laneAxis === null) return size;
  // Groups that are a multiple of 4,096 bytes apart would share few sets of the first-level cache.
  return size % 256 === 0 && size > 0 ? size * 4 + 16 : size * 4;
}

/** Elements of a buffer with its padding lanes. */
export function elementsOf(buffer: Buffer): number {
  const groups = buffer.laneAxis === null ? 1 : Math.ceil(buffer.shape[buffer.laneAxis] / 4);
  return groups * groupElements(buffer);
}

/** The place of the element at `indices`; null where the lane axis is indexed by more than its own two loops. */
export function elementAt(buffer: Buffer, indices: readonly Index[]): Index | null {
  const { shape, laneAxis, isChannelsLast } = buffer;
  const parts: Index[] = [];
  const strides: number[] = [];
  let stride = laneAxis === null ? 1 : 4;
  const fastestFirst = [...shape.keys()].reverse();
  if (isChannelsLast) fastestFirst.unshift(...fastestFirst.splice(-2, 1));
  for (const axis of fastestFirst) {
    if (axis === laneAxis) continue;
    parts.push(indices[axis]);
    strides.push(stride);
    stride *= shape[axis];
  }
  if (laneAxis === null) return Index.sum(parts, strides);
  const lanes = indices[laneAxis].divide(4);
  return lanes && Index.sum([...parts, lanes.quotient, lanes.remainder], [...strides, groupElements(buffer), 1]);
}

/** All expressions in `root`, operands before users, shared ones once; those in `seen` are left out. */
export function expressionsIn(root: Expression, seen: Set<Expression> = new Set()): Expression[] {
  const found: Expression[] = [];
  const visit = (expression: Expression): void => {
    if (seen.has(expression)) return;
    seen.add(expression);
    if (expression.op === 'gather') visit(expression.at);
    if ('operands' in expression) {
      for (let i = 0; i < expression.operands.length; i++) visit(expression.operands[i]);
    }
    found.push(expression);
  };
  visit(root);
  return found;
}

/** Guards of all that a statement reads and writes. */
export function guardsOf({ value, target }: Statement): Guard[] {
  return [target.guards, ...expressionsIn(value).map((node) => ('access' in node ? node.access.guards : []))].flat();
}

/** Nests do not change, and every plan asks for their reads. */
const known = new WeakMap<Nest, readonly Access[]>();

/** Everything a nest reads, without repetition of shared expressions. */
export function readsOf(nest: Nest): readonly Access[] {
  const reads = known.get(nest) ?? findReads(nest);
  known.set(nest, reads);
  return reads;
}

function findReads(nest: Nest): Access[] {
  const seen = new Set<Expression>();
  const reads: Access[] = [];
  const collect = (node: Expression) => {
    if ('access' in node) reads.push(node.access);
  };
  for (const { value, finish, accumulates, target } of nest.statements) {
    expressionsIn(value, seen).forEach(collect);
    if (finish) expressionsIn(finish, seen).forEach(collect);
    if (accumulates) reads.push(target);
  }
  return reads;
}

/** What a nest reads and writes. */
export function buffersOf(nest: Nest): Set<Buffer> {
  const buffers = new Set<Buffer>();
  readsOf(nest).forEach(({ buffer }) => {
    buffers.add(buffer);
  });
  for (const { target } of nest.statements) buffers.add(target.buffer);
  return buffers;
}

/** Statements with some of their loops replaced. */
export function withLoops(statements: readonly Statement[], replacements: ReadonlyMap<Loop, Index>): Statement[] {
  const made = new Map<Expression, Expression>();
  const accessOf = ({ buffer, index, guards }: Access): Access => ({
    buffer,
    index: index.substitute(replacements),
    guards: guards.map((guard) => ({ ...guard, index: guard.index.substitute(replacements) })),
  });
  // Shared expressions stay shared.
  const expressionOf = (expression: Expression): Expression => {
    const known = made.get(expression) ?? replace(expression);
    made.set(expression, known);
    return known;
  };
  const replace = (expression: Expression): Expression => {
    if (expression.op === 'read') return { ...expression, access: accessOf(expression.access) };
    if (expression.op === 'gather') {
      return { ...expression, access: accessOf(expression.access), at: expressionOf(expression.at) };
    }
    if (expression.op === 'index') return { ...expression, index: expression.index.substitute(replacements) };
    return 'operands' in expression ? { ...expression, operands: expression.operands.map(expressionOf) } : expression;
  };
  return statements.map(({ target, value, position, finish, ...rest }) => ({
    ...rest,
    target: accessOf(target),
    value: expressionOf(value),
    ...(position && { position: position.substitute(replacements) }),
    ...(finish && { finish: expressionOf(finish) }),
  }));
}

/** The nest as text. */
export function printNest({ name, outer, inner, statements }: Nest): string {
  const loops = (list: readonly Loop[]) => list.map(({ name, extent }) => `${name}<${extent}`).join(' ');
  const lines = statements.map(({ target, value, reduction, finish, accumulates }) => {
    const reduced = reduction ? `${reduction}(${printExpression(value)})` : printExpression(value);
    const result = finish ? printExpression(finish).replaceAll('reduced', reduced) : reduced;
    return `  ${printAccess(target)} ${accumulates ? '+=' : '='} ${result}`;
  });
  return `${name}: for ${loops(outer)}${inner.length > 0 ? ` over ${loops(inner)}` : ''}\n${lines.join('\n')}\n`;
}

function printExpression(expression: Expression): string {
  if (expression.op === 'read') return printAccess(expression.access);
  if (expression.op === 'gather') {
    return `${printAccess(expression.access)}[${expression.stride}·${printExpression(expression.at)}]`;
  }
  if (expression.op === 'constant') return `${expression.value}`;
  if (expression.op === 'index') return `(${expression.index})`;
  if (expression.op === 'reduced') return 'reduced';
  return `${expression.op}(${expression.operands.map(printExpression).join(', ')})`;
}

function printAccess({ buffer, index, guards }: Access): string {
  const conditions = guards.map((guard) => ` if 0≤${guard.index}<${guard.size}`).join('');
  return `${buffer.name}[${index}${conditions}]`;
}

/** Memory for an intermediate. */
export function temporary(
  name: string,
  shape: readonly number[],
  laneAxis: number | null = null,
  dtype: DType = 'float32',
): Buffer {
  return { name, dtype, shape, laneAxis, source: null, elementBytes: 4 };
}

/** Vector registers that operands and sums share: sixteen, less one for what instructions need. */
export const registers = 15;

/** The two reads of a sum of products; null if it is something else. */
export function productReads({ value, reduction }: Statement): readonly [Access, Access] | null {
  if (reduction !== 'sum' || value.op !== 'mul' || value.kind !== 'f32') return null;
  const [a, b] = value.operands;
  return a.op === 'read' && b.op === 'read' ? [a.access, b.access] : null;
}
