// How a primitive becomes loops: what each rule is given, and what it gives.

import type { DType, OperandAxis, ParallelAxis, PrimitiveAttributes, PrimitiveName, Tensor } from '@bn/core';
import type { Index, Loop } from '../ir/index-form.js';
import type { Access, Buffer, Expression, Guard, Nest, Statement } from '../ir/nest.js';

export type Read = Expression & { readonly op: 'read' };

/** What rules ask for. */
export interface Lowering {
  /** A node's element: computed in place, or read where it is stored. */
  at(node: Tensor, indices: readonly Index[]): Expression;
  /** A node's element read from memory, and nothing where a guard does not hold. */
  read(node: Tensor, indices: readonly Index[], guards?: readonly Guard[]): Read;
  /** The same for a sum along the lane axis: where there is a row-major copy, its elements lie side by side. */
  readAlongLanes(node: Tensor, indices: readonly Index[]): Read;
  /** An element of a table that is known at compilation. */
  readTable(data: ArrayLike<number>, shape: readonly number[], indices: readonly Index[]): Read;
  /** Where a result's element is written. */
  write(target: Buffer, indices: readonly Index[], guards?: readonly Guard[]): Access;
  /** Loops over the axes of a shape, and the indices they make. A lane axis gives a group and a lane loop. */
  loops(shape: readonly number[], laneAxis: number | null, name: string): { loops: Loop[]; indices: Index[] };
  /** Loops over one axis of a node. */
  axisLoops(node: Tensor, axis: number, name: string): { loops: Loop[]; index: Index };
  /** `index` divided by `divisor`, where need be by splitting a loop in two. Null if it cannot be had. */
  divide(index: Index, divisor: number): { quotient: Index; remainder: Index } | null;
  laneAxis(node: Tensor): number | null;
  /** Whether the node has memory of its own. */
  isStored(node: Tensor): boolean;
  /** Whether an operand has its place in the memory of `host`, where it need not be copied to then. */
  isWithin(node: Tensor, host: Tensor): boolean;
  /** Memory for an intermediate of a rule's nests. */
  temporary(name: string, shape: readonly number[], laneAxis: number | null, dtype: DType): Buffer;
}

/** A reduction over loops of its own, and what follows it. */
export interface Reduction extends Pick<Statement, 'value' | 'position' | 'finish'> {
  readonly reduction: NonNullable<Statement['reduction']>;
  readonly inner: readonly Loop[];
}

/** A nest as rules make it: where it comes from is known to who asks. */
export type NestBody = Omit<Nest, 'origins'>;

export type NodeOf<P extends PrimitiveName> = Tensor<P> & { readonly attributes: PrimitiveAttributes[P] };

export type Form = 'element' | 'reduce' | 'nests';

/**
 * What analyses and rewrites need to know about an operation. No fact has a default, so that an operation that is added is
 * a compile error until all of them are stated. Nodes have every size as a number, but for `parallel` and `mixesRows`.
 */
export interface Facts<P extends PrimitiveName> {
  /** Axes of operands that run along with an axis of the result. */
  parallel(node: NodeOf<P>): readonly ParallelAxis[];
  /** Axes of operands that are summed over, or of which one element is taken, and that may lie in SIMD lanes. */
  contracted(node: NodeOf<P>): readonly OperandAxis[];
  /** Whether SIMD lanes may lie on this axis of the result. */
  takesLanes(node: NodeOf<P>, axis: number): boolean;
  /** Whether it moves what lies along this axis of the result, or picks it by indices that it computes. */
  mixesRows(node: NodeOf<P>, axis: number): boolean;
  /** Multiplications that are added up, for the whole result; 0 for what is no sum of products. */
  products(node: NodeOf<P>): number;
  /** Of computing an element inside the nest that needs it, in additions. */
  readonly cost: number;
  /** Whether it reads elements of an operand again and again, or at computed places: the operand has to be in memory. */
  readsMemory(node: NodeOf<P>, operand: number): boolean;
  /** Whether an element of an operand may be needed for several elements of the result. */
  readonly spreads: boolean;
  /** Elements of an operand that it reads, repetitions counted; null for a view: what its users read. */
  elementsRead(node: NodeOf<P>, operand: number): number | null;
  /** What the last bits of its operands can change. */
  rounding(node: NodeOf<P>): Rounding;
}

/** Its own last bits; a whole result, as in a comparison; or, where operands are moved or combined, what its own can. */
export type Rounding = 'bits' | 'results' | 'as users do';

/** How an operation becomes loops: at least one of the three forms; `form` chooses where there are several. */
export interface Rule<P extends PrimitiveName> extends Facts<P> {
  form?(node: NodeOf<P>): Form;
  /** Elements made of single elements of the operands. Null: not with these indices; the node has to be stored. */
  element?(node: NodeOf<P>, indices: readonly Index[], lowering: Lowering): Expression | null;
  /** Elements are reductions. */
  reduce?(node: NodeOf<P>, indices: readonly Index[], lowering: Lowering): Reduction;
  /** Nests of its own kind fill the target. */
  nests?(node: NodeOf<P>, target: Buffer, lowering: Lowering): NestBody[];
}
